package power

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"whowhen.dev/whowhen/cmd/internal/power/disk"
)

const (
	imageBytes = 256 << 20
	shelfBytes = imageBytes + imageBytes/4
)

// machine is a computer with one disk, whose power can be cut.
type machine struct {
	t testing.TB
	// shelves hold the file with the disk in turn: the one that has it is frozen while it is copied to the other.
	shelves [2]*disk.Mounted
	at      int           // the shelf with the disk now
	mounted *disk.Mounted // the file system of the disk
}

func newMachine(t testing.TB) *machine {
	m := &machine{t: t}
	for i := range m.shelves {
		file := filepath.Join(t.TempDir(), "shelf.img")
		disk.Format(t, file, shelfBytes, "-O", "^has_journal")
		m.shelves[i] = disk.Ext4(t, file, "")
	}
	return m
}

func (m *machine) image() string { return m.shelves[m.at].Path("disk.img") }

// dir returns the server's directory, which it has to make itself on a new disk.
func (m *machine) dir() string { return m.mounted.Path("data") }

// renew gives the machine a new, empty disk.
func (m *machine) renew(options string) {
	m.t.Helper()
	if m.mounted != nil {
		if err := m.mounted.Unmount(); err != nil {
			m.t.Fatal(err)
		}
	}
	disk.Format(m.t, m.image(), imageBytes)
	m.mounted = disk.Ext4(m.t, m.image(), options)
}

// cut ends the power for the disk and then the server, and starts the machine again, with what the device had by
// then. What the server does between is lost with the old disk: it can tell nobody of a sync that came too late, as
// no sync ends while the device takes nothing.
func (m *machine) cut(server *os.Process, exited <-chan struct{}, options string) {
	m.t.Helper()
	old, oldImage := m.shelves[m.at], m.image()
	if err := old.Freeze(); err != nil {
		m.t.Fatal(err)
	}
	server.Kill() // takes effect when the call it waits in returns, before it can do anything else
	m.at = 1 - m.at
	if err := errors.Join(disk.Copy(m.image(), oldImage), old.Thaw()); err != nil {
		m.t.Fatal(err)
	}
	<-exited
	if err := m.mounted.Unmount(); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Remove(oldImage); err != nil {
		m.t.Fatal(err)
	}
	m.mounted = disk.Ext4(m.t, m.image(), options)
}

// run starts a command, and returns it and a channel that is closed when it has ended.
func run(command *exec.Cmd) (*os.Process, <-chan struct{}, error) {
	if err := command.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting the server: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		command.Wait() // a killed process has no other end
		close(exited)
	}()
	return command.Process, exited, nil
}
