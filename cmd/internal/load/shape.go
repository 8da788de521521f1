package load

import (
	"fmt"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// datum is a typed value of the row at hand.
type datum struct {
	kind   value.Kind // Absent for no value
	number value.Decimal
	moment
	truth bool
	text  []byte // valid until the next record is read
	list  []string
}

// row is what a record becomes. Its texts are valid until the next record is read.
type row struct {
	cid     []byte
	name    []byte // of the event or the tag
	timed   bool
	millis  int64
	offset  int32 // minutes; batch.NoOffset when unknown
	id      []byte
	expires int64 // 0 for never
	remove  bool
	values  []*datum // by property of the plan
}

// outcome says what becomes of a record.
type outcome uint8

const (
	taken outcome = iota
	skipped
	rejected
)

// shaper turns the records of one file into rows. It is for one goroutine.
type shaper struct {
	plan   *plan
	times  *timeReader
	fixed  []byte // the name of all events or tags, where no column holds it
	places []int  // by column: its place in this file's records, or -1
	rec    *record
	data   []datum // by slot
	known  []bool  // by slot, whether data holds the row's
	row    row
}

// newShaper is given the columns of the file.
func newShaper(p *plan, names []string) *shaper {
	s := &shaper{
		plan:   p,
		times:  &timeReader{zone: newLocalZone(p.job.Zone), layout: p.layout, unit: p.job.TimeUnit},
		fixed:  []byte(p.job.Event + p.job.Tag), // there is at most one of them
		places: make([]int, len(p.columns)),
	}
	for i := range s.places {
		s.places[i] = -1
	}
	for i, name := range names {
		if place, ok := p.places[name]; ok {
			s.places[place] = i
		}
	}
	slots := len(p.columns) + len(p.settings)
	s.data, s.known = make([]datum, slots), make([]bool, slots)
	s.row.values = make([]*datum, len(p.props))
	return s
}

// shape looks at one record. The row is valid until the next call.
func (s *shaper) shape(rec *record) (outcome, *fault) {
	if rec.fault != nil {
		return rejected, rec.fault
	}
	s.rec = rec
	clear(s.known)
	if s.plan.where != nil {
		held, f := s.plan.where.holds(s.value)
		if f != nil {
			return rejected, f
		}
		if !held {
			return skipped, nil
		}
	}
	if f := s.meanings(); f != nil {
		return rejected, f
	}
	values := 0
	for i := range s.plan.props {
		d, f := s.value(s.plan.props[i].slot)
		if f != nil {
			return rejected, f
		}
		s.row.values[i] = d
		if d.kind != value.Absent {
			values++
		}
	}
	if values > batch.MaxColumns {
		return rejected, &fault{"", "TOO_MANY_VALUES", fmt.Sprintf("%d values, at most %d are taken", values, batch.MaxColumns)}
	}
	return taken, nil
}

// cell returns the cell of a column, absent when this file does not have the column.
func (s *shaper) cell(column int) cell {
	place := s.places[column]
	if place < 0 || place >= len(s.rec.cells) {
		return cell{}
	}
	return s.rec.cells[place]
}

// text returns the text of a role, empty when there is none.
func (s *shaper) text(r role) ([]byte, *fault) {
	column := s.plan.roles[r]
	if column < 0 {
		return nil, nil
	}
	c := s.cell(column)
	if c.kind == cellList {
		return nil, s.misfit(column, "TYPE_MISFIT", c, "is a list where a string is expected")
	}
	return c.text, nil
}

// meanings fills in all of the row but the values.
func (s *shaper) meanings() (f *fault) {
	p, r := s.plan, &s.row
	if r.cid, f = s.text(roleCID); f != nil {
		return f
	}
	if len(r.cid) == 0 {
		return &fault{p.columns[p.roles[roleCID]].name, "CID_EMPTY", "the CID is empty"}
	}
	if f := s.tooLong(p.roles[roleCID], "CID_TOO_LONG", r.cid, batch.MaxCIDBytes); f != nil {
		return f
	}
	var at moment
	if at, r.timed, f = s.moment(roleTime); f != nil {
		return f
	}
	r.millis, r.offset = at.millis, at.offsetMinutes
	if !r.timed || !p.offsets.Clocks {
		r.offset = batch.NoOffset
	}
	if !r.timed && !p.job.At.IsZero() {
		r.millis, r.timed = p.job.At.UnixMilli(), true
	}
	switch p.job.Kind {
	case Events:
		return s.event()
	case Tags:
		return s.tag()
	}
	return nil
}

func (s *shaper) event() (f *fault) {
	r := &s.row
	if r.name, f = s.text(roleEvent); f != nil {
		return f
	}
	if column := s.plan.roles[roleEvent]; column < 0 {
		r.name = s.fixed
	} else if len(r.name) == 0 {
		return &fault{s.plan.columns[column].name, "EVENT_EMPTY", "the name of the event is empty"}
	} else if f := s.tooLong(column, "EVENT_TOO_LONG", r.name, batch.MaxNameBytes); f != nil {
		return f
	}
	if r.id, f = s.text(roleEventID); f != nil {
		return f
	}
	column := s.plan.roles[roleOffset]
	if column < 0 {
		return nil
	}
	c := s.cell(column)
	if len(c.text) == 0 {
		return nil
	}
	n, err := parseNumber(c.text)
	switch {
	case err != nil || n.Scale != 0:
		return s.misfit(column, "OFFSET_INVALID", c, "is not a UTC offset in whole minutes")
	case n.Coef < -batch.MaxOffsetMinutes || n.Coef > batch.MaxOffsetMinutes:
		return s.misfit(column, "OFFSET_OUT_OF_RANGE", c, "is more than 18 hours")
	}
	r.offset = int32(n.Coef)
	return nil
}

func (s *shaper) tag() (f *fault) {
	r := &s.row
	if r.name, f = s.text(roleTag); f != nil {
		return f
	}
	if column := s.plan.roles[roleTag]; column < 0 {
		r.name = s.fixed
	} else if len(r.name) == 0 {
		return &fault{s.plan.columns[column].name, "TAG_EMPTY", "the tag is empty"}
	} else if f := s.tooLong(column, "TAG_TOO_LONG", r.name, batch.MaxNameBytes); f != nil {
		return f
	}
	expires, _, f := s.moment(roleExpires)
	if f != nil {
		return f
	}
	r.expires = expires.millis
	op, f := s.text(roleOp)
	if f != nil {
		return f
	}
	switch string(op) {
	case "", "add":
		r.remove = false
	case "remove":
		r.remove = true
	default:
		return s.misfit(s.plan.roles[roleOp], "OP_INVALID", cell{cellText, op}, "is neither add nor remove")
	}
	return nil
}

// moment returns the time of a role, and whether there is one.
func (s *shaper) moment(r role) (m moment, ok bool, f *fault) {
	column := s.plan.roles[r]
	if column < 0 {
		return m, false, nil
	}
	d, f := s.value(column)
	if f != nil || d.kind == value.Absent {
		return m, false, f
	}
	return d.moment, true, nil
}

// tooLong rejects here what the server would, so that one long name does not cost room for each row of a batch.
func (s *shaper) tooLong(column int, reason string, text []byte, most int) *fault {
	if len(text) <= most {
		return nil
	}
	return &fault{s.plan.columns[column].name, reason, fmt.Sprintf("%q has %d bytes, at most %d are taken", clip(text), len(text), most)}
}

func (s *shaper) misfit(column int, reason string, c cell, problem string) *fault {
	return &fault{s.plan.columns[column].name, reason, fmt.Sprintf("%q %s", clip(c.text), problem)}
}
