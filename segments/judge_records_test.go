package segments_test

import (
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/judge"
	"whowhen.dev/whowhen/segments/value"
)

// record is one of an event, a tag change and a profile change.
type record struct {
	event   *batch.Event
	tag     *batch.TagChange
	profile *batch.ProfileChange
}

func (r record) cid() string {
	switch {
	case r.event != nil:
		return r.event.CID
	case r.tag != nil:
		return r.tag.CID
	}
	return r.profile.CID
}

// tell gives the record to the judge and says whether it takes it.
func (r record) tell(j *judge.Judge, receivedMillis int64) bool {
	switch {
	case r.event != nil:
		return j.Event(*r.event, receivedMillis)
	case r.tag != nil:
		return j.Tag(*r.tag, receivedMillis)
	}
	return j.Profile(*r.profile, receivedMillis)
}

func buildRows(b *batch.Builder, records []record) {
	for i, r := range records {
		switch {
		case r.event != nil:
			b.Event(i, *r.event)
		case r.tag != nil:
			b.Tag(i, *r.tag)
		default:
			b.Profile(i, *r.profile)
		}
	}
}

// buildColumns gives the records by column. Columns number their rows on their own, so the numbers of rejects are
// put back to those of the records.
func buildColumns(b *batch.Builder, records []record) error {
	var names, tags []string
	events, changes := map[string][]int{}, map[string][]int{}
	var profiles []int
	for i, r := range records {
		switch {
		case r.event != nil:
			if events[r.event.Name] == nil {
				names = append(names, r.event.Name)
			}
			events[r.event.Name] = append(events[r.event.Name], i)
		case r.tag != nil:
			if changes[r.tag.Tag] == nil {
				tags = append(tags, r.tag.Tag)
			}
			changes[r.tag.Tag] = append(changes[r.tag.Tag], i)
		default:
			profiles = append(profiles, i)
		}
	}
	// What a column builder rejects is told to b by the number of its record.
	one := func(rows []int, add func(b *batch.Builder) error) error {
		_, before := b.Finish()
		from := len(before)
		if err := add(b); err != nil {
			return err
		}
		_, after := b.Finish()
		for i := from; i < len(after); i++ {
			after[i].Index = rows[after[i].Index]
		}
		return nil
	}
	for _, name := range names {
		rows := events[name]
		if err := one(rows, func(b *batch.Builder) error { return b.EventColumns(0, eventColumns(name, records, rows)) }); err != nil {
			return err
		}
	}
	for _, name := range tags {
		rows := changes[name]
		if err := one(rows, func(b *batch.Builder) error { return b.TagColumns(0, tagColumns(name, records, rows)) }); err != nil {
			return err
		}
	}
	if len(profiles) > 0 {
		if err := one(profiles, func(b *batch.Builder) error { return b.ProfileColumns(0, profileColumns(records, profiles)) }); err != nil {
			return err
		}
	}
	// Rows that are found to be of another type later on are named by the batch's own index.
	done, _ := b.Finish()
	for i := range done.Profiles {
		for k, row := range done.Profiles[i].Index {
			done.Profiles[i].Index[k] = uint32(profiles[row])
		}
	}
	return nil
}

func eventColumns(name string, records []record, rows []int) batch.Events {
	e := batch.Events{Name: name}
	var props columnSet
	hasIDs, hasOffsets := false, false
	for _, i := range rows {
		hasIDs = hasIDs || records[i].event.ID != ""
		hasOffsets = hasOffsets || records[i].event.OffsetMinutes != batch.NoOffset
	}
	for _, i := range rows {
		r := records[i].event
		e.CIDs.Strings = append(e.CIDs.Strings, r.CID)
		e.TimesMillis = append(e.TimesMillis, r.TimeMillis)
		if hasOffsets {
			e.Offsets = append(e.Offsets, int16(r.OffsetMinutes))
		}
		if hasIDs {
			e.IDs = append(e.IDs, r.ID)
		}
		props.add(r.Properties)
	}
	e.Props = props.columns
	return e
}

func tagColumns(name string, records []record, rows []int) batch.Tags {
	t := batch.Tags{Name: name}
	for _, i := range rows {
		r := records[i].tag
		t.CIDs.Strings = append(t.CIDs.Strings, r.CID)
		t.Remove = append(t.Remove, r.Remove)
		t.ExpiresMillis = append(t.ExpiresMillis, r.ExpiresMillis)
		t.TimesMillis = append(t.TimesMillis, r.TimeMillis)
	}
	return t
}

func profileColumns(records []record, rows []int) batch.Profiles {
	var p batch.Profiles
	var set columnSet
	for _, i := range rows {
		r := records[i].profile
		p.CIDs.Strings = append(p.CIDs.Strings, r.CID)
		p.TimesMillis = append(p.TimesMillis, r.TimeMillis)
		values := slices.Clone(r.Set)
		for _, name := range r.Unset {
			values = append(values, batch.Named{Name: name, Value: value.Value{Kind: batch.Unset}})
		}
		set.add(values)
	}
	p.Set = set.columns
	return p
}

// columnSet gathers rows of named values into columns.
type columnSet struct {
	columns []batch.Column
	rows    int
}

func (s *columnSet) add(values []batch.Named) {
	s.rows++
	for _, n := range values {
		at := slices.IndexFunc(s.columns, func(c batch.Column) bool { return c.Name == n.Name })
		if at < 0 {
			at = len(s.columns)
			s.columns = append(s.columns, batch.Column{Name: n.Name})
		}
		c := &s.columns[at]
		s.pad(c, s.rows-1)
		data := int64(0)
		switch v := n.Value; v.Kind {
		case value.String:
			data = int64(len(c.Strings))
			c.Strings = append(c.Strings, v.Str)
		case value.List:
			data = int64(len(c.Lists))
			c.Lists = append(c.Lists, v.List)
		case value.Number:
			data = v.Num.Coef
		case value.Time:
			data = v.Millis
		case value.Bool:
			if v.Bool {
				data = 1
			}
		}
		c.Kinds, c.Data, c.Scales = append(c.Kinds, n.Value.Kind), append(c.Data, data), append(c.Scales, n.Value.Num.Scale)
	}
	for i := range s.columns {
		s.pad(&s.columns[i], s.rows)
	}
}

func (s *columnSet) pad(c *batch.Column, rows int) {
	for len(c.Kinds) < rows {
		c.Kinds, c.Data, c.Scales = append(c.Kinds, value.Absent), append(c.Data, 0), append(c.Scales, 0)
	}
}
