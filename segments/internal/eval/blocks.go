package eval

import (
	"context"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/value"
)

// Blocks tells, block by block, what was known at the moment that an Env answers for. It is one goroutine's. What its methods return is
// good until it goes to another block.
//
// While it is at the blocks of one shard it keeps what it has read of that shard, so that fragments of all its blocks are read once.
type Blocks struct {
	run     *run
	zone    *civil.Zone
	anybody bool
	events  []*pastDays // by event; nil until asked for
	tags    map[string]*tag
	rows    BlockRows
	members []uint16
	turn    int // of the run, for which heldBytes counts
	// heldBytes is what the chunks take that are kept for the shard's other blocks.
	heldBytes int
}

// mostHeldBytes bounds the chunks that are kept from one block of a shard to the next: with a cache that is too small for them they would
// take as much of the heap.
const mostHeldBytes = 256 << 20

// pastDays are all days of one event.
type pastDays struct {
	events events
	days   days
	list   []BlockDay
}

// BlockDay is what happened of an event on a day, in the block that its Blocks is at.
type BlockDay struct {
	blocks *Blocks
	events *events
	day    *day
}

// Blocks returns a walk over the blocks, to be closed. It fails once ctx is done.
func (e *Env) Blocks(ctx context.Context) *Blocks {
	return &Blocks{run: e.bareRun(ctx, nil), zone: civil.NewZone(e.Zone), tags: map[string]*tag{}}
}

// BlockCount returns how many blocks there are.
func (e *Env) BlockCount() int { return e.blocks() }

// Close ends the walk. Nothing that it returned may be used any more.
func (b *Blocks) Close() { b.run.end() }

// GoTo moves to a block, and says whether anybody was there.
func (b *Blocks) GoTo(number int) (anybody bool, err error) {
	if b.anybody = false; number < 0 || number >= b.run.env.blocks() {
		return false, nil
	}
	b.anybody, err = b.run.goTo(number)
	if b.turn != b.run.turn {
		b.turn, b.heldBytes = b.run.turn, 0
	}
	return b.anybody, err
}

// Everyone makes out who had been heard of.
func (b *Blocks) Everyone(out *bitmap.Words) {
	if !b.anybody {
		out.Clear()
		return
	}
	*out = *b.run.crowd()
}

// HeardDays calls yield with the app day on which each CID of the block was first heard of, ascending by ordinal; of those that are named alone, if some
// are.
func (b *Blocks) HeardDays(some []uint16, yield func(x uint16, day int32)) error {
	if !b.anybody {
		return nil
	}
	heard, err := b.run.env.Version.Heard(b.run.shard, b.run.block)
	if err != nil {
		return err
	}
	heard.EachOf(some, func(x uint16, c column.Cell) { yield(x, b.zone.Day(c.Data)) })
	return nil
}

// Tag makes out who bears a tag now.
func (b *Blocks) Tag(name string, out *bitmap.Words) error {
	if !b.anybody {
		out.Clear()
		return nil
	}
	t := b.tags[name]
	if t == nil {
		compiled, known := b.run.env.compileTag(expr.Tag{Name: name}).(*tag)
		if !known {
			out.Clear()
			return nil
		}
		t = compiled
		b.tags[name] = t
	}
	return t.eval(b.run, nil, out)
}

// Attribute returns a block of an attribute and its kind, nil when nobody there has it.
func (b *Blocks) Attribute(name string) (*column.Block, value.Kind, error) {
	id, kind, _, found := b.run.env.Schema.Attribute(name)
	if !found || !b.anybody {
		return nil, value.Absent, nil
	}
	block, err := b.run.env.Version.Attribute(b.run.shard, id, b.run.block)
	return block, kind, err
}

// Zone counts days as the app does; it is for the goroutine that has the walk.
func (b *Blocks) Zone() *civil.Zone { return b.zone }

// Days returns the days from a day on, newest first, on which somebody of the block did an event.
func (b *Blocks) Days(event uint32, from int32) []BlockDay {
	if !b.anybody {
		return nil
	}
	for int(event) >= len(b.events) {
		b.events = append(b.events, nil)
	}
	p := b.events[event]
	if p == nil {
		env := b.run.env
		p = &pastDays{events: events{id: event, keptFrom: env.Version.KeptFrom(env.Schema.Events()[event], env.Today), span: env.ever()}}
		b.events[event] = p
	}
	all := p.days.of(b.run, &p.events)
	p.list = p.list[:0]
	for i := len(all) - 1; i >= 0 && all[i].Day >= from; i-- {
		if all[i].InBlock(b.run.block) > 0 {
			p.list = append(p.list, BlockDay{b, &p.events, &all[i]})
		}
	}
	return p.list
}

// Day returns the app day.
func (d BlockDay) Day() int32 { return d.day.Day }

// Who returns who did it, ascending, until the next call of Who or More. Where some are named, ascending, it tells of these alone.
func (d BlockDay) Who(some []uint16) ([]uint16, error) {
	b, r := d.blocks, d.blocks.run
	if d.day.access == columns {
		asked, out := r.borrow(), r.borrow()
		defer r.giveBack(asked)
		defer r.giveBack(out)
		out.Clear()
		if err := d.events.tiles(r, d.day, d.asked(some, asked), some != nil, func(t *tile) { t.markIn(out) }); err != nil {
			return nil, err
		}
		b.members = appendMembers(b.members[:0], out)
		return b.members, nil
	}
	presence, _, err := d.day.rows(false)
	if err != nil {
		return nil, err
	}
	b.list(presence.Block(r.block), some)
	return b.members, nil
}

// asked makes out those that are asked about, if they are named, and otherwise returns everyone.
func (d BlockDay) asked(some []uint16, out *bitmap.Words) *bitmap.Words {
	if some == nil {
		return d.blocks.run.crowd()
	}
	out.Clear()
	for _, x := range some {
		out.Set(x)
	}
	return out
}

// list makes the members those of a block of a row, or of these the named.
func (b *Blocks) list(block *bitmap.Block, some []uint16) {
	if some != nil {
		b.members = b.members[:0]
		for _, x := range some {
			if block.Has(x) {
				b.members = append(b.members, x)
			}
		}
		return
	}
	if block.Dense() {
		b.members = appendMembers(b.members[:0], block.Words())
		return
	}
	b.members = block.Members(b.members[:0])
}

// More tells who did it more than once, of all or of those that are named: how often somebody did is one, and the weights of all calls that have them.
func (d BlockDay) More(some []uint16, add func(members []uint16, weight uint32)) error {
	b, r := d.blocks, d.blocks.run
	if d.day.access == columns {
		return d.moreOfRows(some, add)
	}
	_, planes, err := d.day.rows(true)
	if err != nil {
		return err
	}
	for k, p := range planes {
		if block := p.Block(r.block); block != nil {
			b.list(block, some)
			add(b.members, 1<<k)
		}
	}
	return nil
}

// moreOfRows is More for a day of which not all counts.
func (d BlockDay) moreOfRows(some []uint16, add func(members []uint16, weight uint32)) error {
	b, r := d.blocks, d.blocks.run
	counts, touched, asked := r.counters(), r.borrow(), r.borrow()
	defer r.giveBack(asked)
	defer r.giveBack(touched)
	touched.Clear()
	defer func() { touched.Each(func(x uint16) bool { counts[x] = 0; return true }) }()
	err := d.events.tiles(r, d.day, d.asked(some, asked), some != nil, func(t *tile) {
		t.markIn(touched)
		t.countIn(counts)
	})
	if err != nil {
		return err
	}
	most := uint32(0)
	touched.Each(func(x uint16) bool { most = max(most, counts[x]-1); return true })
	for weight := 0; most>>weight > 0; weight++ {
		b.members = b.members[:0]
		touched.Each(func(x uint16) bool {
			if (counts[x]-1)>>weight&1 != 0 {
				b.members = append(b.members, x)
			}
			return true
		})
		add(b.members, 1<<weight)
	}
	return nil
}

// Rows calls yield with the events, some at a time. Those of others than candidates may be there, too, unless only asks for none of them.
func (d BlockDay) Rows(candidates *bitmap.Words, only bool, yield func(rows *BlockRows)) error {
	b := d.blocks
	held := d.day.chunks != nil
	err := d.events.tiles(b.run, d.day, candidates, only, func(t *tile) {
		b.rows.take(t, b.zone, d.day.Day)
		yield(&b.rows)
	})
	if !held && d.day.chunks != nil {
		for _, c := range d.day.chunks {
			b.heldBytes += c.MemoryBytes()
		}
		if b.heldBytes > mostHeldBytes {
			d.day.chunks = nil
		}
	}
	return err
}
