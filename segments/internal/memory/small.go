package memory

import "math/bits"

// classes are the sizes of small allocations: powers of two and the halves between them.
var classes = [...]int{64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096}

// slab is a page cut into pieces of one class.
type slab struct {
	run        *run
	class      int
	free       [2]uint64 // pieces that are free
	used       int
	prev, next *slab // in the list of those of the class with free pieces
}

// class returns the smallest class of at least n bytes.
func class(n int) int {
	for i, size := range classes {
		if n <= size {
			return i
		}
	}
	return len(classes) - 1
}

func (a *Arena) allocSmall(n int) ([]byte, error) {
	c := class(n)
	s := a.slabs[c]
	if s == nil {
		r, err := a.take(1)
		if err != nil {
			return nil, err
		}
		s = &slab{run: r, class: c}
		r.slab = s
		a.pieceBytes += PageBytes
		for i := range PageBytes / classes[c] {
			s.free[i/64] |= 1 << (i % 64)
		}
		a.linkSlab(s)
	}
	word := 0
	if s.free[0] == 0 {
		word = 1
	}
	bit := bits.TrailingZeros64(s.free[word])
	s.free[word] &^= 1 << bit
	s.used++
	if s.free == [2]uint64{} {
		a.unlinkSlab(s)
	}
	a.usedBytes += int64(classes[c])
	a.pieceBytes -= int64(classes[c])
	from := s.run.first*PageBytes + (word*64+bit)*classes[c]
	return s.run.region.bytes[from:][:n:n], nil
}

func (a *Arena) freeSmall(s *slab, b []byte) {
	offset := int(address(b)-s.run.region.base) - s.run.first*PageBytes
	i := offset / classes[s.class]
	if offset%classes[s.class] != 0 || s.free[i/64]>>(i%64)&1 != 0 {
		panic("memory: Free of what the arena has not given out")
	}
	if s.free == [2]uint64{} {
		a.linkSlab(s)
	}
	s.free[i/64] |= 1 << (i % 64)
	s.used--
	a.usedBytes -= int64(classes[s.class])
	a.pieceBytes += int64(classes[s.class])
	if s.used == 0 {
		a.unlinkSlab(s)
		a.pieceBytes -= PageBytes
		a.giveBack(s.run)
	}
}

func (a *Arena) linkSlab(s *slab) {
	s.prev, s.next = nil, a.slabs[s.class]
	if s.next != nil {
		s.next.prev = s
	}
	a.slabs[s.class] = s
}

func (a *Arena) unlinkSlab(s *slab) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		a.slabs[s.class] = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
}
