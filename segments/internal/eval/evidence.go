package eval

import (
	"context"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// Deeds sums up the events of one CID that a behaviour selects.
type Deeds struct {
	Count, Days uint64
	Sum         string // exact digits; empty when the behaviour sums nothing
	First, Last int64  // seconds since 1970; no meaning when Count is 0
}

// Deeds returns what one CID did. For first and last, which look beyond their window,
// it is all up to as_of; for the others what lies in the window.
func (e *Env) Deeds(ctx context.Context, n expr.Behaviour, ordinal uint32) (Deeds, error) {
	var found Deeds
	if n.Func == expr.Sum {
		found.Sum = "0"
	}
	id, known := e.Schema.Event(n.Event)
	if !known {
		return found, nil
	}
	selected := events{id: id, keptFrom: e.Version.KeptFrom(n.Event, e.Today), span: e.span(n.Window)}
	if n.Func == expr.First || n.Func == expr.Last {
		selected.span = e.ever()
	}
	if n.Where != nil {
		var err error
		if selected.where, err = e.compileCond(id, n.Where); err != nil {
			return found, err
		}
	}
	r := e.bareRun(ctx, nil)
	defer r.end()
	if anybody, err := r.goTo(int(ordinal >> 16)); err != nil || !anybody {
		return found, err
	}
	only := new(bitmap.Words)
	only.Set(uint16(ordinal))
	sums := newSums(r)
	property, _, summed := e.Schema.Property(id, n.Property)
	for _, d := range selected.days(r) {
		if selected.access(d) == skip {
			continue
		}
		before := found.Count
		err := selected.scan(r, &day{EventDay: d}, only, func(c *column.Chunk, row int, x uint16) {
			second := floorSecond(civil.DayStart(d.Day) + c.Offset(row))
			if found.Count == 0 || second < found.First {
				found.First = second
			}
			if found.Count == 0 || second > found.Last {
				found.Last = second
			}
			found.Count++
			if p := c.Prop(property); summed && p != nil && p.Kind(row) == value.Number {
				sums.add(x, p.Cell(row))
			}
		})
		if err != nil {
			return found, err
		}
		if found.Count > before {
			found.Days++
		}
	}
	if n.Func == expr.Sum {
		found.Sum = sums.text(uint16(ordinal))
	}
	return found, nil
}

func floorSecond(millis int64) int64 {
	s := millis / 1000
	if millis%1000 < 0 {
		s--
	}
	return s
}

// Attribute returns the value of a CID's attribute, absent when it has none.
func (e *Env) Attribute(name string, ordinal uint32) (value.Value, error) {
	defer e.reading()()
	id, kind, values, found := e.Schema.Attribute(name)
	if !found {
		return value.Value{}, nil
	}
	block, err := e.Version.Attribute(int(ordinal/bitmap.ShardOrdinals), id, int(ordinal%bitmap.ShardOrdinals>>16))
	if err != nil || block == nil {
		return value.Value{}, err
	}
	cell, found := block.At(uint16(ordinal))
	if !found {
		return value.Value{}, nil
	}
	return decode(kind, cell, values)
}

// decode returns the value that a cell stands for.
func decode(kind value.Kind, c column.Cell, values *index.Values) (value.Value, error) {
	switch kind {
	case value.String:
		return value.Text(values.Strings.All()[c.Data]), nil
	case value.List:
		items, err := dict.DecodeStrings([]byte(values.Lists.All()[c.Data]))
		return value.Strings(items), err
	case value.Number:
		d, err := value.NewDecimal(c.Data, int(c.Scale))
		return value.Num(d), err
	case value.Bool:
		return value.Boolean(c.Data != 0), nil
	case value.Time:
		return value.Value{Kind: value.Time, Millis: c.Data}, nil
	}
	return value.Value{}, nil
}

// Tag says whether a CID bears a tag, or bore it until it expired, and when it expires; 0 means never. What
// expired long ago is forgotten.
func (e *Env) Tag(name string, ordinal uint32) (borne bool, expiresMillis int64, err error) {
	defer e.reading()()
	id, found := e.Schema.Tag(name)
	if !found {
		return false, 0, nil
	}
	shard, within := int(ordinal/bitmap.ShardOrdinals), ordinal%bitmap.ShardOrdinals
	const everMillis = 1<<63 - 1
	expiry, _, err := e.Version.TagExpiry(shard, id, int(within>>16), everMillis)
	if err != nil {
		return false, 0, err
	}
	if expiry != nil {
		if cell, found := expiry.At(uint16(within)); found {
			return true, cell.Data, nil
		}
	}
	row, err := e.Version.Tag(shard, id)
	return row != nil && row.Has(within), 0, err
}

// FirstHeard returns the second in which a CID was first heard of.
func (e *Env) FirstHeard(ordinal uint32) (int64, error) {
	defer e.reading()()
	heard, err := e.Version.Heard(int(ordinal/bitmap.ShardOrdinals), int(ordinal%bitmap.ShardOrdinals>>16))
	if err != nil {
		return 0, err
	}
	cell, _ := heard.At(uint16(ordinal))
	return cell.Data, nil
}

// reading enters an epoch, and returns how to leave it.
func (e *Env) reading() (leave func()) {
	r := e.Version.Reader()
	r.Enter()
	return func() {
		r.Leave()
		r.Close()
	}
}

// inside calls f inside an epoch of the reader's.
func inside(r *memory.Reader, f func() error) error {
	r.Enter()
	defer r.Leave()
	return f()
}

// SampleShare returns where a CID falls in a sample, from 0 to 100: it is in when that is below the sample's percentage.
func (e *Env) SampleShare(n expr.Sample, cid string) float64 { return newSample(e, n).share(cid) }
