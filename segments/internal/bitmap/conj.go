package bitmap

// Conj is a conjunction over dense blocks: whoever is in all that And was called with, in one at least of each pair that Or
// was called with, and in none that Not was called with. The zero Conj is empty; Reset makes it so again and keeps its room.
// At least one And or Or is needed before Count or Store.
type Conj struct {
	pos, not []*Words
	or       [][2]*Words
	args     operands // here rather than on the stack, from where a call through a table would move them to the heap
	scratch  Words
}

// Reset takes everything out.
func (c *Conj) Reset() { c.pos, c.not, c.or = c.pos[:0], c.not[:0], c.or[:0] }

// And adds words that must have a bit.
func (c *Conj) And(w *Words) { c.pos = append(c.pos, w) }

// Or adds words one of which at least must have a bit.
func (c *Conj) Or(v, w *Words) { c.or = append(c.or, [2]*Words{v, w}) }

// Not adds words that must not have a bit.
func (c *Conj) Not(w *Words) { c.not = append(c.not, w) }

// Count returns how many bits are in the conjunction.
func (c *Conj) Count() int {
	pos, or, not := c.pos, c.or, c.not
	args := &c.args
	args.sofar = nil
	for {
		p, o, n := args.take(&pos, &or, &not)
		if len(pos)+len(or)+len(not) == 0 {
			return countKernels(p, o, n)(&args.pos, &args.or, args.not)
		}
		storeKernels(p, o, n)(&c.scratch, &args.pos, &args.or, args.not)
		args.sofar = &c.scratch
	}
}

// Store makes to the bits in the conjunction; to may be one of the words in it.
func (c *Conj) Store(to *Words) {
	pos, or, not := c.pos, c.or, c.not
	args := &c.args
	args.sofar = nil
	for {
		p, o, n := args.take(&pos, &or, &not)
		rest := len(pos)+len(or)+len(not) > 0
		target := to
		if rest {
			target = &c.scratch // what is left may be to itself
		}
		storeKernels(p, o, n)(target, &args.pos, &args.or, args.not)
		if !rest {
			return
		}
		args.sofar = target
	}
}

// operands are what one pass works on.
type operands struct {
	sofar *Words // of the passes before, or nil
	pos   [3]*Words
	or    [2]*Words
	not   *Words
}

// take moves as many operands as a kernel takes, and returns how many of each kind.
func (a *operands) take(pos *[]*Words, or *[][2]*Words, not *[]*Words) (p, o, n int) {
	if a.sofar != nil {
		a.pos[0], p = a.sofar, 1
	}
	moved := copy(a.pos[p:], *pos)
	p, *pos = p+moved, (*pos)[moved:]
	if len(*or) > 0 {
		a.or, o, *or = (*or)[0], 1, (*or)[1:]
	}
	if len(*not) > 0 {
		a.not, n, *not = (*not)[0], 1, (*not)[1:]
	}
	return p, o, n
}
