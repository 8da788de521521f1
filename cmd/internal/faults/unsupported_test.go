//go:build !linux || !(amd64 || arm64)

package faults

import "testing"

func TestFailingDisk(t *testing.T) {
	t.Skip("only Linux, on amd64 and arm64, lets this test decide on the calls of a program")
}
