package store

import (
	"errors"
	"fmt"
)

var (
	// ErrMissing says that a key has no value. Whoever knows from the manifest that it must
	// have one has found damage.
	ErrMissing = errors.New("no such value in the index")
	// ErrClosed says that the store was used after Close.
	ErrClosed = errors.New("the index is closed")
)

// DamageError says that what is on disk is not what was written. The index cannot be used;
// Destroy it and build it again from the log.
type DamageError struct {
	Key    []byte // the blob that cannot be read; nil when it is not about one blob
	Reason string
}

func (e *DamageError) Error() string {
	if e.Key == nil {
		return "the index is damaged: " + e.Reason
	}
	return fmt.Sprintf("the index is damaged: key %q: %s", e.Key, e.Reason)
}

// LockedError says that another process, or another Store of this one, holds the directory.
type LockedError struct {
	Dir string
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("index directory %s is in use by another process; stop it, or talk to it as a server", e.Dir)
}
