//go:build !linux

package main

import "syscall"

// childAttributes has nothing to say where a child cannot be tied to its parent's life.
func childAttributes() *syscall.SysProcAttr { return nil }
