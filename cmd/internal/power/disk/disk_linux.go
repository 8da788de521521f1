package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Format makes an ext4 file system of so many bytes in a file, with what it needs and takes no room up front.
func Format(t testing.TB, file string, bytes int64, flags ...string) {
	t.Helper()
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		t.Skip("mkfs.ext4 is not here: install e2fsprogs")
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		err = errors.Join(f.Truncate(bytes), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	// Without the lazy parts the device is quiet when nobody writes, and -m 0 leaves nothing aside for root.
	flags = append([]string{"-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"}, flags...)
	if out, err := exec.Command(mkfs, append(flags, file)...).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
}

// Mounted is a mounted file system. Its methods are for one goroutine at a time.
type Mounted struct {
	Dir string

	gone   bool
	frozen *os.File // not nil while it is frozen
}

// Ext4 mounts the file system in a file, with mount's options for ext4, until the test ends.
func Ext4(t testing.TB, file, options string) *Mounted {
	t.Helper()
	device, err := attach(file)
	if unavailable(err) {
		t.Skipf("no loop device can be had (root and the loop driver are needed): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close() // from the mount on the mount holds it, and when nobody does the system takes it back
	return mount(t, device.Name(), "ext4", options)
}

// Tmpfs mounts a new file system of so many bytes in memory, until the test ends.
func Tmpfs(t testing.TB, bytes int64) *Mounted {
	t.Helper()
	return mount(t, "tmpfs", "tmpfs", fmt.Sprintf("size=%d", bytes))
}

func mount(t testing.TB, source, kind, options string) *Mounted {
	t.Helper()
	m := &Mounted{Dir: t.TempDir()}
	err := unix.Mount(source, m.Dir, kind, 0, options)
	if unavailable(err) || errors.Is(err, unix.ENODEV) {
		t.Skipf("%s cannot be mounted (root and the file system are needed): %v", kind, err)
	}
	if err != nil {
		t.Fatalf("mounting %s with %q: %v", kind, options, err)
	}
	t.Cleanup(func() {
		if m.gone {
			return
		}
		if err := m.Unmount(); err != nil {
			t.Error(err, unix.Unmount(m.Dir, unix.MNT_DETACH)) // it goes when its last user does
		}
	})
	return m
}

func unavailable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// attach returns a free loop device with a file in it, which leaves it when the device is not in use any more.
func attach(file string) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, err
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(backing.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // another program may have taken it meanwhile
			return nil, fmt.Errorf("%s: %w", device.Name(), err)
		}
	}
}

// Unmount ends the mount. Whoever has used it may need a moment to be gone.
func (m *Mounted) Unmount() error {
	const patience = 5 * time.Second
	if err := m.Thaw(); err != nil {
		return err
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Unmount(m.Dir, 0)
		if err == nil {
			m.gone = true
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Since(begun) > patience {
			return fmt.Errorf("unmounting %s: %w", m.Dir, err)
		}
	}
}

const (
	ioctlFreeze = 0xc0045877 // FIFREEZE of linux/fs.h
	ioctlThaw   = 0xc0045878
)

// Freeze stops every write to the file system's files, those of loop devices in them too: from one moment to Thaw
// they are what they were then, and writers wait.
func (m *Mounted) Freeze() error {
	dir, err := os.Open(m.Dir)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetInt(int(dir.Fd()), ioctlFreeze, 0); err != nil {
		return errors.Join(fmt.Errorf("freezing %s: %w", m.Dir, err), dir.Close())
	}
	m.frozen = dir
	return nil
}

// Thaw ends Freeze. It does nothing when nothing is frozen.
func (m *Mounted) Thaw() error {
	if m.frozen == nil {
		return nil
	}
	err := errors.Join(unix.IoctlSetInt(int(m.frozen.Fd()), ioctlThaw, 0), m.frozen.Close())
	m.frozen = nil
	return err
}

// Sync brings all that was written to the device.
func (m *Mounted) Sync() error {
	dir, err := os.Open(m.Dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
}

// Path returns the path of a file in it.
func (m *Mounted) Path(name string) string { return filepath.Join(m.Dir, name) }

// Free returns how many bytes can still be written.
func (m *Mounted) Free() (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(m.Dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}
