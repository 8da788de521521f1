package batch

import (
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/value"
)

// Reject is a record that was not taken.
type Reject struct {
	Index   int    // of the record in the caller's request
	Field   string // such as "cid" or "properties.amount"
	Reason  string // a stable word, such as CID_EMPTY
	Message string // a sentence for people
}

// Event is one event as a caller gives it.
type Event struct {
	CID           string
	Name          string
	TimeMillis    int64 // NoTime allowed
	OffsetMinutes int64 // NoOffset allowed
	ID            string
	Properties    []Named
}

// Named is a value under a name.
type Named struct {
	Name  string
	Value value.Value
}

// TagChange is one tag put on or taken off.
type TagChange struct {
	CID, Tag      string
	Remove        bool
	ExpiresMillis int64 // 0 means never
	TimeMillis    int64 // NoTime allowed
}

// ProfileChange sets and unsets attributes of one CID.
type ProfileChange struct {
	CID        string
	Set        []Named
	Unset      []string
	TimeMillis int64 // NoTime allowed
}

// Builder checks records and gathers the good ones into a Batch.
type Builder struct {
	latestMillis int64
	batch        Batch
	rejects      []Reject

	events   map[string]*openTable
	tags     map[string]int
	profiles *openTable
}

// openTable is the table that records of one sort are being added to.
type openTable struct {
	at      int            // in batch.Events or batch.Profiles
	columns map[string]int // place of each column by name
	values  int            // cells that are not absent
}

// roomFor says whether a record with these values can join the table's rows. A table whose
// records have little in common would be mostly absent cells; it is better to start another.
func (o *openTable) roomFor(rows int, values []Named) bool {
	added := 0
	for _, n := range values {
		if _, ok := o.columns[n.Name]; !ok {
			added++
		}
	}
	columns := len(o.columns) + added
	return columns <= MaxColumns && rows*columns <= 1<<16+16*(o.values+rows)
}

// NewBuilder returns a Builder for a batch received at that moment.
func NewBuilder(received time.Time) *Builder {
	return &Builder{
		latestMillis: received.Add(MaxAhead).UnixMilli(),
		batch:        Batch{ReceivedMillis: received.UnixMilli()},
		events:       map[string]*openTable{},
		tags:         map[string]int{},
	}
}

// Finish returns the batch of all good records and the rejects, by index. The
// Builder is used up.
func (b *Builder) Finish() (*Batch, []Reject) { return &b.batch, b.rejects }

// Reject notes a record that the caller found bad itself.
func (b *Builder) Reject(r Reject) { b.rejects = append(b.rejects, r) }

// Event adds an event, or rejects it.
func (b *Builder) Event(index int, e Event) {
	if r := b.checkEvent(e); r != nil {
		r.Index = index
		b.rejects = append(b.rejects, *r)
		return
	}
	open := b.events[e.Name]
	if open == nil || !open.roomFor(b.batch.Events[open.at].CIDs.Len(), e.Properties) {
		open = &openTable{at: len(b.batch.Events), columns: map[string]int{}}
		b.events[e.Name] = open
		b.batch.Events = append(b.batch.Events, Events{Name: e.Name})
	}
	to := &b.batch.Events[open.at]
	row := to.CIDs.Len()
	to.CIDs.append(e.CID)
	to.Index = append(to.Index, uint32(index))
	to.TimesMillis = append(to.TimesMillis, e.TimeMillis)
	to.Offsets = appendSparse(to.Offsets, row, int16(e.OffsetMinutes), NoOffset)
	to.IDs = appendSparse(to.IDs, row, e.ID, "")
	to.Props = open.put(to.Props, row, e.Properties)
	padColumns(to.Props, row+1)
}

// Tag adds a tag change, or rejects it.
func (b *Builder) Tag(index int, t TagChange) {
	r := checkCID(t.CID)
	if r == nil {
		r = checkNamed("tag", "TAG", t.Tag)
	}
	if r == nil {
		r = b.checkTime("time", t.TimeMillis)
	}
	if r == nil && (t.ExpiresMillis < 0 || t.ExpiresMillis > MaxMillis) {
		r = &Reject{Field: "expires_at", Reason: "TIME_OUT_OF_RANGE", Message: "the expiry must lie between 1970 and 2105"}
	}
	if r != nil {
		r.Index = index
		b.rejects = append(b.rejects, *r)
		return
	}
	at, ok := b.tags[t.Tag]
	if !ok {
		at = len(b.batch.Tags)
		b.tags[t.Tag] = at
		b.batch.Tags = append(b.batch.Tags, Tags{Name: t.Tag})
	}
	to := &b.batch.Tags[at]
	row := to.CIDs.Len()
	to.CIDs.append(t.CID)
	to.Index = append(to.Index, uint32(index))
	to.Remove = append(to.Remove, t.Remove)
	to.ExpiresMillis = appendSparse(to.ExpiresMillis, row, t.ExpiresMillis, 0)
	to.TimesMillis = appendSparse(to.TimesMillis, row, t.TimeMillis, NoTime)
}

// Profile adds a profile change, or rejects it. One that sets and unsets
// nothing still makes its CID known.
func (b *Builder) Profile(index int, p ProfileChange) {
	if r := b.checkProfile(p); r != nil {
		r.Index = index
		b.rejects = append(b.rejects, *r)
		return
	}
	changes := slices.Clone(p.Set)
	for _, name := range p.Unset {
		changes = append(changes, Named{Name: name, Value: value.Value{Kind: Unset}})
	}
	if b.profiles == nil || !b.profiles.roomFor(b.batch.Profiles[b.profiles.at].CIDs.Len(), changes) {
		b.profiles = &openTable{at: len(b.batch.Profiles), columns: map[string]int{}}
		b.batch.Profiles = append(b.batch.Profiles, Profiles{})
	}
	to := &b.batch.Profiles[b.profiles.at]
	row := to.CIDs.Len()
	to.CIDs.append(p.CID)
	to.Index = append(to.Index, uint32(index))
	to.TimesMillis = appendSparse(to.TimesMillis, row, p.TimeMillis, NoTime)
	to.Set = b.profiles.put(to.Set, row, changes)
	padColumns(to.Set, row+1)
}

// appendSparse appends v as the value of a row to a column that stays empty
// until a value differs from none.
func appendSparse[T comparable](column []T, row int, v, none T) []T {
	if len(column) == 0 {
		if v == none {
			return column
		}
		for range row {
			column = append(column, none)
		}
	}
	return append(column, v)
}

func (o *openTable) put(columns []Column, row int, values []Named) []Column {
	o.values += len(values)
	for _, n := range values {
		i, ok := o.columns[n.Name]
		if !ok {
			i = len(columns)
			o.columns[n.Name] = i
			columns = append(columns, Column{Name: n.Name})
		}
		columns[i].put(row, n.Value)
	}
	return columns
}

func padColumns(columns []Column, rows int) {
	for i := range columns {
		columns[i].pad(rows)
	}
}

// pad lengthens the column with absent rows.
func (c *Column) pad(rows int) {
	for len(c.Kinds) < rows {
		c.Kinds = append(c.Kinds, value.Absent)
		c.Data = append(c.Data, 0)
		if len(c.Scales) > 0 {
			c.Scales = append(c.Scales, 0)
		}
	}
}

// put sets the value of a row, which is the last or the one after.
func (c *Column) put(row int, v value.Value) {
	c.pad(row + 1)
	c.Kinds[row] = v.Kind
	switch v.Kind {
	case value.Number:
		c.Data[row] = v.Num.Coef
		if len(c.Scales) == 0 && v.Num.Scale != 0 {
			c.Scales = make([]uint8, len(c.Kinds), max(len(c.Kinds), cap(c.Kinds)))
		}
		if len(c.Scales) > 0 {
			c.Scales[row] = v.Num.Scale
		}
	case value.Bool:
		c.Data[row] = 0
		if v.Bool {
			c.Data[row] = 1
		}
	case value.Time:
		c.Data[row] = v.Millis
	case value.String:
		// Neighbours are often alike: the last few strings are worth a look.
		for i := len(c.Strings) - 1; i >= 0 && i >= len(c.Strings)-8; i-- {
			if c.Strings[i] == v.Str {
				c.Data[row] = int64(i)
				return
			}
		}
		c.Data[row] = int64(len(c.Strings))
		c.Strings = append(c.Strings, v.Str)
	case value.List:
		c.Data[row] = int64(len(c.Lists))
		c.Lists = append(c.Lists, v.List)
	}
}
