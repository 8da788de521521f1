package batch

import (
	"encoding/binary"

	"whowhen.dev/whowhen/segments/value"
)

// The first byte of an encoded batch. A batch with retentions has the second, and they follow at the end; one with
// scores has the third, and these follow after the retentions.
const (
	formatRecords    = 1
	formatRetentions = 2
	formatScores     = 3
)

// AppendTo appends the batch's encoding, as the log keeps it, to a buffer. Index columns
// are left out. Decode reads it back.
func (b *Batch) AppendTo(buf []byte) []byte {
	format := byte(formatRecords)
	switch {
	case b.hasScores():
		format = formatScores
	case len(b.Retentions) > 0:
		format = formatRetentions
	}
	e := encoder{append(buf, format)}
	e.int(b.ReceivedMillis)
	e.string(b.ID)
	if b.ID != "" {
		e.buf = append(e.buf, b.Content[:]...)
	}
	e.bool(b.Load != nil)
	if l := b.Load; l != nil {
		e.string(l.ID)
		for _, n := range [...]uint64{l.FirstRow, l.Rows, l.Rejected, l.Skipped} {
			e.uint(n)
		}
		e.bool(l.Last)
	}
	e.uint(uint64(len(b.Events)))
	for i := range b.Events {
		ev := &b.Events[i]
		e.string(ev.Name)
		e.cids(&ev.CIDs)
		e.deltas(ev.TimesMillis)
		e.uint(uint64(len(ev.Offsets)))
		for _, o := range ev.Offsets {
			e.int(int64(o))
		}
		e.uint(uint64(len(ev.IDs)))
		for _, id := range ev.IDs {
			e.string(id)
		}
		e.columns(ev.Props)
	}
	e.uint(uint64(len(b.Tags)))
	for i := range b.Tags {
		t := &b.Tags[i]
		e.string(t.Name)
		e.cids(&t.CIDs)
		for _, r := range t.Remove {
			e.bool(r)
		}
		e.deltas(t.ExpiresMillis)
		e.deltas(t.TimesMillis)
	}
	e.uint(uint64(len(b.Profiles)))
	for i := range b.Profiles {
		p := &b.Profiles[i]
		e.cids(&p.CIDs)
		e.deltas(p.TimesMillis)
		e.columns(p.Set)
	}
	if format >= formatRetentions {
		e.uint(uint64(len(b.Retentions)))
		for _, r := range b.Retentions {
			e.bool(r.Tag)
			e.string(r.Name)
			e.uint(uint64(r.KeepDays))
		}
	}
	if format == formatScores {
		e.scores(b)
	}
	return e.buf
}

type encoder struct{ buf []byte }

func (e *encoder) uint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) int(n int64)   { e.buf = binary.AppendVarint(e.buf, n) }

func (e *encoder) bool(b bool) {
	if b {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) deltas(column []int64) {
	e.uint(uint64(len(column)))
	last := int64(0)
	for _, n := range column {
		e.int(n - last) // may wrap around; so does its inverse
		last = n
	}
}

func (e *encoder) cids(c *CIDs) {
	e.uint(uint64(c.Len()))
	e.bool(len(c.Strings) > 0)
	if len(c.Strings) == 0 {
		e.buf = append(e.buf, c.Packed...)
		return
	}
	for _, s := range c.Strings {
		e.string(s)
	}
}

func (e *encoder) columns(columns []Column) {
	e.uint(uint64(len(columns)))
	for i := range columns {
		c := &columns[i]
		e.string(c.Name)
		e.kinds(c.Kinds)
		scaled := len(c.Scales) > 0
		e.bool(scaled)
		for row, k := range c.Kinds {
			if k == value.Absent || k == Unset {
				continue
			}
			e.int(c.Data[row])
			if scaled && k == value.Number {
				e.buf = append(e.buf, c.Scales[row])
			}
		}
		e.uint(uint64(len(c.Strings)))
		for _, s := range c.Strings {
			e.string(s)
		}
		e.uint(uint64(len(c.Lists)))
		for _, list := range c.Lists {
			e.uint(uint64(len(list)))
			for _, s := range list {
				e.string(s)
			}
		}
	}
}

// kinds writes runs of equal kinds; most columns are one run.
func (e *encoder) kinds(kinds []value.Kind) {
	for at := 0; at < len(kinds); {
		end := at + 1
		for end < len(kinds) && kinds[end] == kinds[at] {
			end++
		}
		e.buf = append(e.buf, byte(kinds[at]))
		e.uint(uint64(end - at))
		at = end
	}
}
