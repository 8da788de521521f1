package batch

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

// Limits on one record. They bound what a hostile record can cost and are far
// above what real ones need.
const (
	MaxNameBytes     = 256  // of tags, attributes, events and properties
	MaxEventIDBytes  = 128  // of event ids
	MaxStringBytes   = 4096 // of a string value and of a list's element
	MaxListItems     = 256  // of a list value
	MaxColumns       = 256  // properties of an event, attributes of a profile change
	MaxOffsetMinutes = 18 * 60
	// MaxAhead is how far ahead of the clock a record's time may lie: clocks of
	// phones are off by hours, hardly ever by more.
	MaxAhead = 24 * time.Hour
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

// MaxMillis is the latest moment that is kept, the end of the year 2105.
const MaxMillis = 4291747200000 - 1

func (b *Builder) checkTime(field string, millis int64) *Reject {
	switch {
	case millis == NoTime:
		return nil
	case millis < 0:
		return &Reject{Field: field, Reason: "TIME_OUT_OF_RANGE", Message: "times before 1970 are not taken"}
	case millis > b.latestMillis:
		return &Reject{Field: field, Reason: "TIME_IN_FUTURE", Message: fmt.Sprintf("%s is more than a day ahead of the clock", value.Value{Kind: value.Time, Millis: min(millis, 253402300799000)})}
	}
	return nil
}

func checkCID(cid string) *Reject {
	reason := checkName(cid, MaxCIDBytes)
	if reason == "" {
		return nil
	}
	messages := map[string]string{
		"EMPTY":             "the CID is empty",
		"TOO_LONG":          fmt.Sprintf("the CID has %d bytes, at most %d are taken", len(cid), MaxCIDBytes),
		"CONTROL_CHARACTER": fmt.Sprintf("the CID %.40q holds a control character", cid),
		"NOT_UTF8":          fmt.Sprintf("the CID %.40q is not UTF-8", cid),
	}
	return &Reject{Field: "cid", Reason: "CID_" + reason, Message: messages[reason]}
}

func checkNamed(field, prefix, name string) *Reject {
	reason := checkName(name, MaxNameBytes)
	if reason == "" {
		return nil
	}
	messages := map[string]string{
		"EMPTY":             "the name is empty",
		"TOO_LONG":          fmt.Sprintf("the name has %d bytes, at most %d are taken", len(name), MaxNameBytes),
		"CONTROL_CHARACTER": fmt.Sprintf("the name %.40q holds a control character", name),
		"NOT_UTF8":          fmt.Sprintf("the name %.40q is not UTF-8", name),
	}
	return &Reject{Field: field, Reason: prefix + "_" + reason, Message: messages[reason]}
}

func (b *Builder) checkEvent(e Event) *Reject {
	if r := checkCID(e.CID); r != nil {
		return r
	}
	if r := checkNamed("name", "EVENT", e.Name); r != nil {
		return r
	}
	if r := b.checkTime("time", e.TimeMillis); r != nil {
		return r
	}
	if r := checkOffset(e.OffsetMinutes); r != nil {
		return r
	}
	if r := checkEventID(e.ID); r != nil {
		return r
	}
	return checkValues("properties", e.Properties)
}

func checkOffset(minutes int64) *Reject {
	if minutes != NoOffset && (minutes < -MaxOffsetMinutes || minutes > MaxOffsetMinutes) {
		return &Reject{Field: "utc_offset_minutes", Reason: "OFFSET_OUT_OF_RANGE", Message: fmt.Sprintf("a UTC offset of %d minutes is more than 18 hours", minutes)}
	}
	return nil
}

func checkEventID(id string) *Reject {
	if reason := checkName(id, MaxEventIDBytes); id != "" && reason != "" {
		return &Reject{Field: "event_id", Reason: "EVENT_ID_" + reason, Message: fmt.Sprintf("the event id %.40q must be UTF-8 of at most %d bytes without control characters", id, MaxEventIDBytes)}
	}
	return nil
}

func (b *Builder) checkProfile(p ProfileChange) *Reject {
	if r := checkCID(p.CID); r != nil {
		return r
	}
	if r := b.checkTime("time", p.TimeMillis); r != nil {
		return r
	}
	if r := checkValues("set", p.Set); r != nil {
		return r
	}
	if len(p.Set)+len(p.Unset) > MaxColumns {
		return &Reject{Field: "unset", Reason: "TOO_MANY_VALUES", Message: fmt.Sprintf("%d attributes, at most %d are taken", len(p.Set)+len(p.Unset), MaxColumns)}
	}
	for _, name := range p.Unset {
		if r := checkNamed("unset", "NAME", name); r != nil {
			return r
		}
		for _, n := range p.Set {
			if n.Name == name {
				return &Reject{Field: "unset", Reason: "SET_AND_UNSET", Message: fmt.Sprintf("%q is both set and unset", name)}
			}
		}
	}
	return nil
}

func checkValues(field string, values []Named) *Reject {
	if len(values) > MaxColumns {
		return &Reject{Field: field, Reason: "TOO_MANY_VALUES", Message: fmt.Sprintf("%d values, at most %d are taken", len(values), MaxColumns)}
	}
	for i, n := range values {
		for _, earlier := range values[:i] {
			if earlier.Name == n.Name {
				return &Reject{Field: field + "." + n.Name, Reason: "NAME_TWICE", Message: fmt.Sprintf("%q has two values", n.Name)}
			}
		}
		if r := checkNamed(field, "NAME", n.Name); r != nil {
			return r
		}
		if reason, message := CheckValue(n.Value); reason != "" {
			return &Reject{Field: field + "." + n.Name, Reason: reason, Message: message}
		}
	}
	return nil
}

// CheckValue says why a value is not taken: a stable word and a sentence, or "".
func CheckValue(v value.Value) (reason, message string) {
	switch v.Kind {
	case value.String:
		return checkText(v.Str)
	case value.List:
		if len(v.List) > MaxListItems {
			return "LIST_TOO_LONG", fmt.Sprintf("the list has %d items, at most %d are taken", len(v.List), MaxListItems)
		}
		for _, s := range v.List {
			if reason, message = checkText(s); reason != "" {
				return reason, message
			}
		}
	case value.Number:
		if v.Num.Coef == math.MinInt64 || v.Num.Scale > value.MaxScale {
			return "NUMBER_OUT_OF_RANGE", value.ErrRange.Error()
		}
	case value.Bool, value.Time, value.Absent, Unset:
	default:
		return "VALUE_KIND", "this kind of value is not taken"
	}
	return "", ""
}

func checkText(s string) (reason, message string) {
	if len(s) > MaxStringBytes {
		return "STRING_TOO_LONG", fmt.Sprintf("the string has %d bytes, at most %d are taken", len(s), MaxStringBytes)
	}
	if !utf8.ValidString(s) {
		return "STRING_NOT_UTF8", fmt.Sprintf("%.40q is not UTF-8", s)
	}
	return "", ""
}
