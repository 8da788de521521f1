//go:build !unix

package memory

// Where there is no mmap the arena lives on the Go heap.

func reserve(n int) ([]byte, error) { return Heap(n) }

func release([]byte) {}

func forget([]byte) {}
