//go:build unix

package main

import "syscall"

// processRuns says whether a process is alive. One of another user is.
func processRuns(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
