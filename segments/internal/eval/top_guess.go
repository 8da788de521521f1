package eval

import (
	"slices"
	"sync"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/memory"
)

// fewOpen is how many candidates are put in order by their values.
const fewOpen = 4096

// guessed is what guesses know of a block.
type guessed struct {
	sample []int64 // values of some who were open, at even distances; nil before there was one
	// What a pass finds of the open.
	upper, between bitmap.Block
	next           []int64 // sample of those between
}

// guess takes those above the value of the last one, and of those who have it the first. There are more candidates than limit.
//
// Values of some candidates say between which two values that of the last one most probably lies; one pass over the column
// counts who is above these and who is between, and so whether it does. Those between are guessed about again until they
// are few, whose values are then put in order. A guess that fails costs a pass, and nothing else. Mostly it takes three or four passes, and between
// them no block of the column is held.
func (t *top) guess(limit uint64) error {
	if t.open > fewOpen {
		// The first pass is for a sample only: nobody is above the range.
		if err := t.split(t.low, t.high); err != nil {
			return err
		}
		t.settle((*topBlock).keepBetween)
	}
	for t.open > fewOpen && t.low < t.high {
		low, high := t.guessRange(limit)
		if err := t.split(low, high); err != nil {
			return err
		}
		upper, between := uint64(0), uint64(0)
		for _, b := range t.blocks {
			upper, between = upper+uint64(b.guess.upper.Count()), between+uint64(b.guess.between.Count())
		}
		switch {
		case t.above+upper >= limit: // the last one is above the guess
			t.settle((*topBlock).keepUpper)
			t.low, t.open = high+1, upper
		case t.above+upper+between < limit: // it is below
			t.settle((*topBlock).keepLower)
			t.high, t.above, t.open = low-1, t.above+upper+between, t.open-upper-between
		default:
			t.settle((*topBlock).keepBetween)
			t.low, t.high, t.above, t.open = low, high, t.above+upper, between
		}
	}
	if t.low < t.high {
		return t.choose(limit - t.above)
	}
	t.leaveFirst(limit - t.above)
	t.selectAll((*topBlock).all)
	return nil
}

// split has each block find who of the open have a value above high, and who in [low, high]. A block that need not be read for that is
// not.
func (t *top) split(low, high int64) error {
	each := samplesOf(len(t.blocks))
	return t.eachBlock(func(r *room, b *topBlock) error {
		switch {
		case b.open.Count() == 0 || b.high < low:
			return nil
		case b.low > high:
			b.guess.upper = b.open
			return nil
		}
		values, err := t.values(b)
		if err == nil {
			b.split(r, values, low, high, each)
		}
		return err
	})
}

// split finds who of the open have a value above high, and who in [low, high].
func (b *topBlock) split(r *room, values *column.Block, low, high int64, samples int) {
	open, out, upper := r.borrow(), r.borrow(), r.borrow()
	defer r.giveBack(open, out, upper)
	b.open.CopyTo(open)
	if b.high > high {
		b.aboveBound(values, upper, open, high)
	} else {
		upper.Clear()
	}
	if b.low < low {
		b.aboveBound(values, out, open, low-1)
	} else {
		*out = *open
	}
	out.AndNot(upper)
	b.guess.upper, b.guess.between = bitmap.FromWords(upper), bitmap.FromWords(out)
	b.guess.next = b.sampleOf(values, &b.guess.between, samples)
}

// settle has each block keep a part of what a pass found.
func (t *top) settle(keep func(b *topBlock)) {
	for _, b := range t.blocks {
		keep(b)
		b.guess = guessed{sample: b.guess.sample}
	}
}

func (b *topBlock) keepUpper() { b.open = b.guess.upper }

func (b *topBlock) keepBetween() {
	b.above, b.open, b.guess.sample = union(&b.above, &b.guess.upper), b.guess.between, b.guess.next
}

func (b *topBlock) keepLower() {
	both := union(&b.guess.upper, &b.guess.between)
	if both.Count() == 0 {
		return
	}
	b.above = union(&b.above, &both)
	var words bitmap.Words
	b.open.CopyTo(&words)
	both.AndNotInto(&words)
	b.open = bitmap.FromWords(&words)
}

// union returns who is in either block.
func union(a, b *bitmap.Block) bitmap.Block {
	switch {
	case a.Count() == 0:
		return *b
	case b.Count() == 0:
		return *a
	}
	var words bitmap.Words
	a.CopyTo(&words)
	b.OrInto(&words)
	return bitmap.FromWords(&words)
}

// leaveFirst leaves so many of all who are open, the first.
func (t *top) leaveFirst(n uint64) {
	var words bitmap.Words
	for _, b := range t.blocks {
		if uint64(b.open.Count()) > n {
			b.open.CopyTo(&words)
			keepFirst(&words, int(n))
			b.open = bitmap.FromWords(&words)
		}
		n -= uint64(b.open.Count())
	}
}

// choose takes those above, and so many of the open, of whom there are few: the first in the order of their values.
func (t *top) choose(n uint64) error {
	ranks := make([]ranked, 0, t.open)
	var mu sync.Mutex
	err := t.eachBlock(func(_ *room, b *topBlock) error {
		if b.open.Count() == 0 {
			return nil
		}
		values, err := t.values(b)
		if err != nil {
			return err
		}
		own := make([]ranked, 0, b.open.Count())
		b.open.Each(func(x uint16) {
			cell, _ := values.At(x)
			own = append(own, ranked{high: cell.Data * b.factor, ordinal: uint32(b.number)<<16 | uint32(x)})
		})
		mu.Lock()
		defer mu.Unlock()
		ranks = append(ranks, own...)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(ranks, ranked.before)
	taken := wordsOf(ranks[:n])
	t.selectAll(func(b *topBlock) bitmap.Block {
		words := taken[b.number]
		if words == nil {
			return b.above
		}
		b.above.OrInto(words)
		return bitmap.FromWords(words)
	})
	return nil
}

// eachBlock calls f for every block until one fails; it is inside an epoch while it is at some blocks.
func (t *top) eachBlock(f func(r *room, b *topBlock) error) error {
	return t.share(len(t.blocks), func(r *room, reader *memory.Reader, from, to int) error {
		return inside(reader, func() error {
			for _, b := range t.blocks[from:to] {
				if err := f(r, b); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
