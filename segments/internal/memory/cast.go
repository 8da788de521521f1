package memory

import (
	"fmt"
	"unsafe"
)

// Uint64s returns the same memory as 64-bit words in the machine's order. It panics unless the bytes are aligned
// to words and fill them.
func Uint64s(b []byte) []uint64 { return cast[uint64](b) }

// Uint32s returns the same memory as 32-bit words; see Uint64s.
func Uint32s(b []byte) []uint32 { return cast[uint32](b) }

// Uint16s returns the same memory as 16-bit words; see Uint64s.
func Uint16s(b []byte) []uint16 { return cast[uint16](b) }

// cast turns bytes into integers. Bytes from the system, from an Arena and from Heap have no type that the garbage collector
// looks at, integers hold no pointers, and the slice made here keeps a pointer into the same allocation, so heap memory stays
// alive for as long as it is used. Alignment and length are checked, as checkptr would.
func cast[T uint16 | uint32 | uint64](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var one T
	size := int(unsafe.Sizeof(one))
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%uintptr(size) != 0 || len(b)%size != 0 {
		panic(fmt.Sprintf("memory: %d bytes at %p are no words of %d bytes", len(b), p, size))
	}
	return unsafe.Slice((*T)(p), len(b)/size)
}

// address tells regions of an Arena apart; it is not turned back into a pointer.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// bytesOf returns the same memory as bytes: words from the Go heap are aligned to words, bytes need not be.
func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}
