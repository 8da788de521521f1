package log

import (
	"errors"
	"fmt"
)

// ErrFailed is wrapped by every error that Append returns from its first failed
// write or fsync on. What is on disk after one is unknown, so the log
// takes no more records until it is opened again; reading goes on. The records
// of the failed Append were not acknowledged; after the next Open they may be
// there or not.
var ErrFailed = errors.New("log: read-only until restart, a write has failed")

// CorruptError says that a segment does not hold what was written to it, and
// that this is not what a crash leaves behind. Nothing has been changed.
type CorruptError struct {
	File   string
	Offset int64 // in bytes, of the first frame or header that is not good
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("log: %s is corrupt at byte %d: %s. Nothing was changed. "+
		"Keep a copy of the whole directory; then put back an undamaged copy of this file, or restore from a backup",
		e.File, e.Offset, e.Reason)
}
