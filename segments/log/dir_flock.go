//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package log

import (
	"errors"
	"os"
	"syscall"
)

// lockDir makes the holder of dir the only one, until dir is closed or the
// process ends.
func lockDir(dir *os.File) error {
	for {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errors.New("another process, or this one, has it open for writing")
		default:
			return &os.PathError{Op: "lock", Path: dir.Name(), Err: err}
		}
	}
}

// syncDir makes the names in dir durable.
func syncDir(dir *os.File) error { return dir.Sync() }
