//go:build unix

package segments

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir takes the directory for this process; the system lets go of it when the process ends, however it does.
func lockDir(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("data directory %s cannot be written", dir), Err: bare(err)}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &Error{Reason: DirectoryInUse, Message: fmt.Sprintf("data directory %s is in use by another whowhen; stop it, or talk to it with --server", dir)}
		}
		return nil, &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("data directory %s cannot be locked", dir), Err: err}
	}
	return f.Close, nil
}
