// Package batch holds what one Write brings: events, tag changes and profile
// changes by column, checked record by record, and their encoding in the log.
//
// A Builder takes records one at a time or by column, rejects bad ones with index,
// field and reason, and hands out a Batch. A Batch is plain data; it is not
// safe for use by several goroutines while one of them changes it.
package batch

import (
	"math"

	"whowhen.dev/whowhen/segments/value"
)

// NoTime stands for a record without a time: it counts from the moment its batch was received.
const NoTime = math.MinInt64

// NoOffset stands for an event whose UTC offset is not known.
const NoOffset = math.MinInt16

// Unset is the kind of a profile column's row that takes the attribute away.
const Unset value.Kind = 255

// MaxRecords is how many records a batch may hold.
const MaxRecords = 1 << 16

// Batch is one Write: checked records by column.
type Batch struct {
	// ReceivedMillis is when the batch came in, in milliseconds since 1970 UTC. It is
	// part of the log, so a replay dates records without a time the same way.
	ReceivedMillis int64
	// ID and Content are the caller's batch id and a hash of all the caller sent with it; ID is
	// empty when the caller gave none.
	ID      string
	Content [32]byte
	// Load says which rows of a bulk load these are; nil for other batches.
	Load *Load

	Events   []Events
	Tags     []Tags
	Profiles []Profiles
	// Retentions say from this batch on how long things are kept. They come before its records.
	Retentions []Retention
	// Changes of scores come after its records: first the names whose scores are taken away, then chunks, then what is
	// published.
	ScoreDrops     []string
	ScoreChunks    []ScoreChunk
	ScorePublishes []ScorePublish
}

// Retention says how long the events of a name, or a tag, are kept.
type Retention struct {
	Tag      bool // it is about a tag, not an event
	Name     string
	KeepDays int32 // 0 means for ever
}

// MaxKeepDays is the longest retention: a hundred years.
const MaxKeepDays = 36_500

// Load names the rows of a bulk load that a batch stands for.
type Load struct {
	ID       string
	FirstRow uint64
	Rows     uint64
	Rejected uint64 // rows the loader rejected itself
	Skipped  uint64 // rows the loader left out on request
	Last     bool
}

// Events are events of one name. Column lengths equal CIDs.Len(), or are 0 where noted.
type Events struct {
	Name        string
	CIDs        CIDs
	TimesMillis []int64  // NoTime allowed
	Offsets     []int16  // minutes ahead of UTC, NoOffset allowed; empty when no event has one
	IDs         []string // "" allowed; empty when no event has one
	Props       []Column
	Index       []uint32 // the record's index in the caller's request; not in the log
}

// Tags are changes of one tag, in order.
type Tags struct {
	Name          string
	CIDs          CIDs
	Remove        []bool
	ExpiresMillis []int64 // 0 means never; empty when none expires
	TimesMillis   []int64 // NoTime allowed; empty when no record has a time
	Index         []uint32
}

// Profiles are attribute changes, one row a record, in order.
type Profiles struct {
	CIDs        CIDs
	Set         []Column // kinds Absent (no change) and Unset allowed
	TimesMillis []int64  // NoTime allowed; empty when no record has a time
	Index       []uint32
}

// Column is a named column of values of any kinds, one a row.
type Column struct {
	Name  string
	Kinds []value.Kind
	// Data holds a number's coefficient, a bool as 0 or 1, a moment's milliseconds, or an index into
	// Strings or Lists; anything where the kind is Absent or Unset.
	Data   []int64
	Scales []uint8 // of numbers; empty when all are 0
	// Strings and Lists hold each distinct value at least once.
	Strings []string
	Lists   [][]string
}

// Value returns the value of a row; Absent for Unset.
func (c *Column) Value(row int) value.Value {
	switch c.Kinds[row] {
	case value.String:
		return value.Text(c.Strings[c.Data[row]])
	case value.Number:
		return value.Num(value.Decimal{Coef: c.Data[row], Scale: c.Scale(row)})
	case value.Bool:
		return value.Boolean(c.Data[row] != 0)
	case value.Time:
		return value.Value{Kind: value.Time, Millis: c.Data[row]}
	case value.List:
		return value.Strings(c.Lists[c.Data[row]])
	}
	return value.Value{}
}

// Scale returns the scale of a row that holds a number.
func (c *Column) Scale(row int) uint8 {
	if len(c.Scales) == 0 {
		return 0
	}
	return c.Scales[row]
}

// Records returns how many records the batch holds; scores are none.
func (b *Batch) Records() int {
	n := 0
	for i := range b.Events {
		n += b.Events[i].CIDs.Len()
	}
	for i := range b.Tags {
		n += b.Tags[i].CIDs.Len()
	}
	for i := range b.Profiles {
		n += b.Profiles[i].CIDs.Len()
	}
	return n
}

// filter keeps the rows that keep says, in order.
func filter[T any](column []T, keep []bool) []T {
	if len(column) == 0 {
		return column
	}
	kept := column[:0]
	for i, v := range column {
		if keep[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

func (c *Column) filter(keep []bool) {
	c.Kinds, c.Data, c.Scales = filter(c.Kinds, keep), filter(c.Data, keep), filter(c.Scales, keep)
}

// Filter drops the rows that keep says false for.
func (p *Profiles) Filter(keep []bool) {
	p.CIDs.filter(keep)
	for i := range p.Set {
		p.Set[i].filter(keep)
	}
	p.TimesMillis, p.Index = filter(p.TimesMillis, keep), filter(p.Index, keep)
}

// Filter drops the rows that keep says false for.
func (e *Events) Filter(keep []bool) {
	e.CIDs.filter(keep)
	for i := range e.Props {
		e.Props[i].filter(keep)
	}
	e.TimesMillis, e.Offsets = filter(e.TimesMillis, keep), filter(e.Offsets, keep)
	e.IDs, e.Index = filter(e.IDs, keep), filter(e.Index, keep)
}

// Filter drops the rows that keep says false for.
func (t *Tags) Filter(keep []bool) {
	t.CIDs.filter(keep)
	t.Remove, t.ExpiresMillis = filter(t.Remove, keep), filter(t.ExpiresMillis, keep)
	t.TimesMillis, t.Index = filter(t.TimesMillis, keep), filter(t.Index, keep)
}
