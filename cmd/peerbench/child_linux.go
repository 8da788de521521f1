package main

import "syscall"

// childAttributes keeps a child out of the terminal's process group, so that Ctrl-C is for this process alone, and ends
// it with this process, however that ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
