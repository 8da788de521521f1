package memory

// Alloc gives out n bytes whose contents are arbitrary, aligned to 8 bytes at least. A decoder takes the memory of what it
// returns from one.
type Alloc func(n int) ([]byte, error)

// Heap is the Alloc of the Go heap. It does not fail.
func Heap(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	return bytesOf(make([]uint64, (n+7)/8))[:n:n], nil
}
