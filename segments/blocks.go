package segments

import (
	"context"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/eval"
	"whowhen.dev/whowhen/segments/value"
)

// BlockCIDs is how many CIDs a block has, in the order the app first saw them; the last block may have fewer. The CID with ordinal n is number
// n % BlockCIDs of block n / BlockCIDs.
const BlockCIDs = bitmap.BlockOrdinals

// Words is a set of the CIDs of a block, with a bit each.
type Words = bitmap.Words

// Blocks returns the number of blocks.
func (v *View) Blocks() int { return v.env.BlockCount() }

// Day returns the app day that is answered for, in days since 1970-01-01.
func (v *View) Day() int32 { return v.env.AsOfDay }

// Before returns the view of the same version as of the end of the day before: what happened before a day is all that it knows of behaviour.
// A day later than the day after this view's is an error; for that day itself it is this view's moment. It is good until
// this view is closed, and need not be closed.
func (v *View) Before(day int32) (*View, error) {
	if day > v.env.AsOfDay+1 {
		return nil, &Error{Reason: AsOfInFuture, Field: "day",
			Message: fmt.Sprintf("what happened before %s is not known yet: the view is as of %s", civil.Format(day), civil.Format(v.env.AsOfDay))}
	}
	past := &View{app: v.app, env: v.env, release: func() {}}
	if day <= v.env.AsOfDay {
		past.env.AsOfDay, past.env.AsOfSeconds = day-1, civil.NewZone(v.env.Zone).LastSecond(day-1)
	}
	return past, nil
}

// WithoutLate returns the view of the same version and moment that leaves out the events that were received more than so many app days after
// the day on which they happened, by the event's name: all the same for events that are not named. How late an event is, is known in
// steps, LateCount; one that may be later is left out. It is good until this view is closed, and need not be closed.
func (v *View) WithoutLate(mostDays map[string]int32) *View {
	timely := &View{app: v.app, env: v.env, release: func() {}}
	timely.env.MostLateDays = map[uint32]int32{}
	for name, days := range mostDays {
		if id, found := v.env.Schema.Event(name); found {
			timely.env.MostLateDays[id] = days
		}
	}
	return timely
}

// ReadCIDs makes to the CIDs with these ordinals, all packed or all strings.
func (v *View) ReadCIDs(to *batch.CIDs, ordinals []uint32) { v.env.CIDs.Read(to, ordinals) }

// Members tells, block by block, for whom an expression holds, as Select does. It is one goroutine's; several may read one view at a time.
type Members struct{ members *eval.Members }

// Members returns the members of an expression. They fail once ctx is done, and are to be closed before the view is.
func (v *View) Members(ctx context.Context, n expr.Node) (*Members, error) {
	if err := v.Check(n); err != nil {
		return nil, err
	}
	m, err := v.env.Members(ctx, n)
	if err != nil {
		return nil, err
	}
	return &Members{m}, nil
}

// At makes out for whom of a block the expression holds.
func (m *Members) At(block int, out *Words) error { return m.members.At(block, out) }

// Close ends the reading.
func (m *Members) Close() { m.members.Close() }

// BlockReader tells, block by block, what a view knows of behaviour, tags and attributes. It is one goroutine's; several may read one view at
// a time. What its methods return is good until it goes to another block.
//
// It keeps what it reads of a shard, 16 blocks, until it goes to a block of another, and so reads everything once if blocks are gone
// through in their order. A reader that stays at a block for long keeps the cache from giving memory to others.
type BlockReader struct {
	view   *View
	blocks *eval.Blocks
	days   []EventDay
	merged []EventDay // of several events
	order  []uint64
}

// BlockReader returns a reader, which fails once ctx is done, and is to be closed before the view is.
func (v *View) BlockReader(ctx context.Context) *BlockReader {
	return &BlockReader{view: v, blocks: v.env.Blocks(ctx)}
}

// Close ends the reading.
func (r *BlockReader) Close() { r.blocks.Close() }

// GoTo moves to a block, and says whether anybody of it had been heard of.
func (r *BlockReader) GoTo(block int) (anybody bool, err error) { return r.blocks.GoTo(block) }

// Everyone makes out who had been heard of.
func (r *BlockReader) Everyone(out *Words) { r.blocks.Everyone(out) }

// HeardDays calls yield with the app day on which each CID was first heard of, in their order. It may be a day after the view's. Where some are named,
// ascending, it tells of these alone, as AttributeNumbers and AttributeCodes do.
func (r *BlockReader) HeardDays(some []uint16, yield func(x uint16, day int32)) error {
	return r.blocks.HeardDays(some, yield)
}

// Days returns the days from a day on, newest first, on which anybody did an event. They are good until the next call.
func (r *BlockReader) Days(event string, from int32) []EventDay {
	r.days = r.days[:0]
	r.addDays(event, from)
	return r.days
}

// DaysOfAll returns the days of several events as Days does, those of one day in the order of the events.
func (r *BlockReader) DaysOfAll(events []string, from int32) []EventDay {
	r.days = r.days[:0]
	for _, event := range events {
		r.addDays(event, from)
	}
	// There may be tens of thousands, and whole numbers are sorted several times as fast as what they stand for.
	const indexBits, sign = 32, 1 << 31
	r.order, r.merged = r.order[:0], r.merged[:0]
	for i, d := range r.days {
		r.order = append(r.order, uint64(uint32(^d.Day())^sign)<<indexBits|uint64(i))
	}
	slices.Sort(r.order)
	for _, o := range r.order {
		r.merged = append(r.merged, r.days[uint32(o)])
	}
	return r.merged
}

func (r *BlockReader) addDays(event string, from int32) {
	id, found := r.view.env.Schema.Event(event)
	if !found {
		return
	}
	for _, d := range r.blocks.Days(id, from) {
		r.days = append(r.days, EventDay{d, id, r.view})
	}
}

// Tag makes out who bears a tag now, whatever moment the view is of: tags have no history.
func (r *BlockReader) Tag(name string, out *Words) error { return r.blocks.Tag(name, out) }

// AttributeNumbers calls yield with the present value of a numeric attribute of everyone who has one, in their order: numbers as they are, bools as
// 0 and 1, times as their app day. Attributes of other types, and unknown ones, have none. Attributes have no history.
func (r *BlockReader) AttributeNumbers(name string, some []uint16, yield func(x uint16, n float64)) error {
	block, kind, err := r.blocks.Attribute(name)
	if err != nil || block == nil {
		return err
	}
	zone := r.blocks.Zone()
	block.EachOf(some, func(x uint16, c column.Cell) {
		switch kind {
		case value.Number:
			yield(x, value.Decimal{Coef: c.Data, Scale: c.Scale}.Float())
		case value.Bool:
			yield(x, float64(c.Data))
		case value.Time:
			yield(x, float64(zone.Day(floorSeconds(c.Data))))
		}
	})
	return nil
}

// AttributeCodes calls yield with the code of the present value of a string attribute of everyone who has one, in their order. Attributes of other
// types, and unknown ones, have none.
func (r *BlockReader) AttributeCodes(name string, some []uint16, yield func(x uint16, code int64)) error {
	block, kind, err := r.blocks.Attribute(name)
	if err != nil || block == nil || kind != value.String {
		return err
	}
	block.EachOf(some, func(x uint16, c column.Cell) { yield(x, c.Data) })
	return nil
}

// NoCode stands for a string attribute that somebody does not have.
const NoCode = math.MaxUint32

// ReadAttributeCodes is AttributeCodes of those of who: it writes their codes to their places, NoCode for who has no value. The other places get something
// without meaning. It reads everybody several times as fast as AttributeCodes.
func (r *BlockReader) ReadAttributeCodes(name string, who *Words, codes *[BlockCIDs]uint32) error {
	block, kind, err := r.blocks.Attribute(name)
	if err != nil {
		return err
	}
	if kind != value.String {
		block = nil
	}
	var there Words
	column.ReadCodes(block, who, codes, NoCode, &there)
	return nil
}

// KnowsTag says whether the app ever had a tag of that name, at any moment.
func (v *View) KnowsTag(name string) bool {
	_, found := v.env.Schema.Tag(name)
	return found
}

// Events returns the names of the events that the app ever had, at any moment.
func (v *View) Events() []string { return slices.Clone(v.env.Schema.Events()) }

// KnowsEvent says whether the app ever had an event of that name, at any moment.
func (v *View) KnowsEvent(name string) bool {
	_, found := v.env.Schema.Event(name)
	return found
}

// KnowsProperty says whether the app ever had an event with that property, at any moment.
func (v *View) KnowsProperty(event, name string) bool {
	id, found := v.env.Schema.Event(event)
	if found {
		_, _, found = v.env.Schema.Property(id, name)
	}
	return found
}

// AttributeType returns the type of an attribute: string, number, bool, time or list; empty when nobody ever had it.
func (v *View) AttributeType(name string) string {
	_, kind, _, found := v.env.Schema.Attribute(name)
	if !found {
		return ""
	}
	return kind.String()
}

// AttributeCode returns the code of a string, and whether the attribute ever had it as a value.
func (v *View) AttributeCode(name, text string) (code int64, found bool) {
	_, kind, values, known := v.env.Schema.Attribute(name)
	if !known || kind != value.String {
		return 0, false
	}
	c, found := values.Strings.Find(text)
	return int64(c), found
}

// AttributeText returns the string that has a code, which AttributeCodes gave.
func (v *View) AttributeText(name string, code int64) string {
	_, _, values, known := v.env.Schema.Attribute(name)
	if !known {
		return ""
	}
	all := values.Strings.All()
	if code < 0 || code >= int64(len(all)) {
		return ""
	}
	return all[code]
}

func floorSeconds(millis int64) int64 {
	const second = 1000
	s := millis / second
	if millis%second < 0 {
		s--
	}
	return s
}
