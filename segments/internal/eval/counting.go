package eval

import (
	"math"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// counting compares the number of selected events, or of days with one.
type counting struct {
	events events
	onDays bool
	ranges []interval

	days days
	sets []counted
}

// counted is a set whose members count for 1<<weight.
type counted struct {
	block  *bitmap.Block
	weight int
}

func newCounting(s events, n expr.Behaviour, onDays bool) *counting {
	return &counting{events: s, onDays: onDays, ranges: numberRanges(n.Op, n.Values, 0)}
}

func (t *counting) eval(r *run, candidates, out *bitmap.Words) error {
	list := t.days.of(r, &t.events)
	t.sets = t.sets[:0]
	inColumns := false
	for i := range list {
		switch {
		case list[i].InBlock(r.block) == 0:
		case list[i].access == columns:
			inColumns = true
		default:
			if err := t.addDay(r, &list[i]); err != nil {
				return err
			}
		}
	}
	if bytes := t.inBytes(); bytes && !inColumns {
		c := r.byteCounters()
		c.Reset()
		for _, s := range t.sets {
			c.Add(s.block, 1<<s.weight)
		}
		t.compare(r, c.AtLeast, bitmap.MostCounted, out)
		return nil
	}
	r.adder.Reset()
	for _, s := range t.sets {
		r.adder.Add(s.block, s.weight)
	}
	if inColumns {
		if err := t.addColumns(r, list, candidates); err != nil {
			return err
		}
	}
	t.compare(r, r.adder.AtLeast, r.adder.Most(), out)
	return nil
}

// addDay adds a day that is wholly in the span to the sets.
func (t *counting) addDay(r *run, d *day) error {
	presence, planes, err := d.rows(!t.onDays)
	if err != nil {
		return err
	}
	t.sets = append(t.sets, counted{presence.Block(r.block), 0})
	for k, p := range planes {
		if block := p.Block(r.block); block != nil {
			t.sets = append(t.sets, counted{block, k})
		}
	}
	return nil
}

// inBytes says whether a byte for each ordinal is the cheaper way to count the sets, by what the two ways take in nanoseconds.
func (t *counting) inBytes() bool {
	const (
		sparseInBytes, denseInBytes, wholeInBytes = 0.9, 4.2, 9000 // a member of a list, one of a dense set, the bytes themselves
		sparseInBits, denseInBits, wholeInBits    = 3.3, 1000, 1500
	)
	most := 0
	inBytes, inBits := float64(wholeInBytes), float64(wholeInBits)
	for _, s := range t.sets {
		if s.weight > 6 {
			return false
		}
		if most += 1 << s.weight; most > bitmap.MostCounted {
			return false
		}
		n := float64(s.block.Count())
		if s.block.Dense() {
			inBytes, inBits = inBytes+denseInBytes*n, inBits+denseInBits
		} else {
			inBytes, inBits = inBytes+sparseInBytes*n, inBits+sparseInBits*n
		}
	}
	return inBytes < inBits
}

// addColumns adds the days of which the events must be looked at one by one to the run's adder.
func (t *counting) addColumns(r *run, list []day, candidates *bitmap.Words) error {
	counts := r.counters()
	touched := r.borrow()
	defer r.giveBack(touched)
	touched.Clear()
	defer func() { touched.Each(func(x uint16) bool { counts[x] = 0; return true }) }()
	most := uint32(0)
	for i := range list {
		d := &list[i]
		if d.access != columns || d.InBlock(r.block) == 0 {
			continue
		}
		if !t.onDays {
			if err := t.events.tally(r, d, candidates, touched, counts); err != nil {
				return err
			}
			continue
		}
		today := r.lend()
		today.Clear()
		if err := t.events.mark(r, d, candidates, today); err != nil {
			return err
		}
		r.adder.AddWords(today, 0)
	}
	touched.Each(func(x uint16) bool { most = max(most, counts[x]); return true })
	for weight := 0; most>>weight > 0; weight++ {
		bit := r.lend()
		bit.Clear()
		touched.Each(func(x uint16) bool {
			if counts[x]>>weight&1 != 0 {
				bit.Set(x)
			}
			return true
		})
		r.adder.AddWords(bit, weight)
	}
	return nil
}

// compare makes out the ordinals whose count lies in one of the ranges; none is above most.
func (t *counting) compare(r *run, atLeast func(n uint64, to *bitmap.Words), most uint64, out *bitmap.Words) {
	one, beyond := r.borrow(), r.borrow()
	defer r.giveBack(one, beyond)
	out.Clear()
	for _, i := range t.ranges {
		low := uint64(max(i.low, 0))
		if i.low > i.high || i.high < 0 || low > most {
			continue
		}
		atLeast(low, one)
		if i.high != math.MaxInt64 && uint64(i.high) < most {
			atLeast(uint64(i.high)+1, beyond)
			one.AndNot(beyond)
		}
		out.Or(one)
	}
}

func (t *counting) cost() int { return t.events.cost(6) }
