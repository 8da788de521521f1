//go:build unix

package memory

import "golang.org/x/sys/unix"

// reserve gets zeroed memory that takes none of the machine's until it is written to.
func reserve(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
}

// release gives memory from reserve back. Only a wrong address could make it fail.
func release(b []byte) {
	if err := unix.Munmap(b); err != nil {
		panic("memory: munmap: " + err.Error())
	}
}

// forget gives the machine's memory back and keeps the addresses. Failing, it has given back nothing, which does no harm.
func forget(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
