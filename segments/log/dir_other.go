//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package log

import "os"

// lockDir does nothing: these systems have no lock on an open directory. The
// caller alone sees to it that a log is opened once.
func lockDir(*os.File) error { return nil }

// syncDir does nothing: these systems journal names on their own, and refuse
// to flush a directory.
func syncDir(*os.File) error { return nil }
