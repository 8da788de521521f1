package eval

import (
	"sync"

	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Pool keeps the room that evaluations need, a few blocks for each goroutine, so that a query takes none of its own. It is safe for
// concurrent use.
type Pool struct{ free sync.Pool }

// NewPool returns an empty pool.
func NewPool() *Pool {
	return &Pool{free: sync.Pool{New: func() any { return new(room) }}}
}

// room is what one goroutine evaluates in.
type room struct {
	words   []*bitmap.Words // those that nobody has borrowed
	members []uint16        // of a sparse result
	conj    bitmap.Conj
	adder   bitmap.Adder
	bytes   *bitmap.Counters
	values  *[bitmap.BlockOrdinals]int64  // for columns
	counts  *[bitmap.BlockOrdinals]uint32 // for counting, zero between uses
	tile    *tile                         // for rows of events
}

// borrow returns words with arbitrary bits.
func (s *room) borrow() *bitmap.Words {
	if n := len(s.words); n > 0 {
		w := s.words[n-1]
		s.words = s.words[:n-1]
		return w
	}
	return new(bitmap.Words)
}

func (s *room) giveBack(words ...*bitmap.Words) { s.words = append(s.words, words...) }

// sparse returns room for the members of a sparse block.
func (s *room) sparse() []uint16 {
	if s.members == nil {
		s.members = make([]uint16, 0, bitmap.BlockOrdinals)
	}
	return s.members
}

func (s *room) scratch() *[bitmap.BlockOrdinals]int64 {
	if s.values == nil {
		s.values = new([bitmap.BlockOrdinals]int64)
	}
	return s.values
}

func (s *room) counters() *[bitmap.BlockOrdinals]uint32 {
	if s.counts == nil {
		s.counts = new([bitmap.BlockOrdinals]uint32)
	}
	return s.counts
}

func (s *room) byteCounters() *bitmap.Counters {
	if s.bytes == nil {
		s.bytes = new(bitmap.Counters)
	}
	return s.bytes
}
