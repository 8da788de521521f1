// Package judge answers expressions the slow and obvious way: it keeps what every CID did as a plain
// history and walks it for each question. Tests hold the index against it.
//
// It follows the meanings that the project's design gives to words, and shares nothing with the
// evaluator but the types of records and of expressions.
package judge

import (
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// Judge holds the histories of an app's CIDs. It is not safe for concurrent use.
type Judge struct {
	zone    *time.Location
	people  map[string]*person
	order   []string // CIDs as they were first seen
	types   map[string]value.Kind
	dayEnds map[int64]int64
	sampled func(n expr.Sample, cid string) bool
	// keepDays of events and of tags, where it is not for ever.
	keepEvents, keepTags map[string]int64
	scores               map[string]scores
}

// person is all that is known of one CID.
type person struct {
	heardSecond int64
	events      []event
	ids         map[identity]bool
	tags        map[string]int64 // to the millisecond of expiry, 0 for never
	attributes  map[string]value.Value
}

type event struct {
	name   string
	second int64
	day    int64
	props  map[string]value.Value
	id     identity
}

type identity struct {
	name, id string
	millis   int64
}

// New returns a judge that knows nobody. What a sample holds does not follow from
// meanings: sampled says it, the same for ever.
func New(zone *time.Location, sampled func(n expr.Sample, cid string) bool) *Judge {
	return &Judge{
		zone: zone, people: map[string]*person{}, types: map[string]value.Kind{},
		dayEnds: map[int64]int64{}, sampled: sampled, keepEvents: map[string]int64{}, keepTags: map[string]int64{}, scores: map[string]scores{},
	}
}

// Retain takes a rule about how long something is kept.
func (j *Judge) Retain(r batch.Retention, receivedMillis int64) {
	keep := j.keepEvents
	if r.Tag {
		keep = j.keepTags
	} else if days, found := keep[r.Name]; found {
		for _, p := range j.people {
			p.events = slices.DeleteFunc(p.events, func(e event) bool {
				gone := e.name == r.Name && e.day <= j.day(floor(receivedMillis))-days
				if gone {
					delete(p.ids, e.id)
				}
				return gone
			})
		}
	}
	delete(keep, r.Name)
	if r.KeepDays == 0 {
		return
	}
	keep[r.Name] = int64(r.KeepDays)
	for _, p := range j.people {
		if expires, borne := p.tags[r.Name]; r.Tag && borne {
			p.tags[r.Name] = j.expiry(r.Name, expires, receivedMillis)
		}
	}
}

// expiry returns when a tag expires that was set at a moment, which may have come with an expiry; 0 is never.
func (j *Judge) expiry(tag string, expiresMillis, setMillis int64) int64 {
	days, found := j.keepTags[tag]
	if !found {
		return expiresMillis
	}
	latest := setMillis + days*86400_000
	if expiresMillis == 0 || latest < expiresMillis {
		return latest
	}
	return expiresMillis
}

// CIDs returns everybody ever heard of, in the order in which they came.
func (j *Judge) CIDs() []string { return j.order }

// Event adds an event and says whether it is taken.
func (j *Judge) Event(e batch.Event, receivedMillis int64) bool {
	millis, fine := j.moment(e.CID, e.TimeMillis, receivedMillis)
	if !fine {
		return false
	}
	p := j.hear(e.CID, millis)
	who := identity{e.Name, e.ID, millis}
	if e.ID != "" {
		if p.ids[who] {
			return true
		}
		p.ids[who] = true
	}
	props := map[string]value.Value{}
	for _, n := range e.Properties {
		if n.Value.Kind != value.Absent {
			props[n.Name] = n.Value
		}
	}
	second := floor(millis)
	p.events = append(p.events, event{e.Name, second, j.day(second), props, who})
	return true
}

// Tag puts a tag on or takes it off, and says whether the change is taken.
func (j *Judge) Tag(t batch.TagChange, receivedMillis int64) bool {
	millis, fine := j.moment(t.CID, t.TimeMillis, receivedMillis)
	if !fine {
		return false
	}
	p := j.hear(t.CID, millis)
	if t.Remove {
		delete(p.tags, t.Tag)
	} else {
		p.tags[t.Tag] = j.expiry(t.Tag, t.ExpiresMillis, millis)
	}
	return true
}

// Profile changes attributes, and says whether the change is taken: none of its values may have
// another type than its attribute was first given.
func (j *Judge) Profile(c batch.ProfileChange, receivedMillis int64) bool {
	millis, fine := j.moment(c.CID, c.TimeMillis, receivedMillis)
	if !fine {
		return false
	}
	for _, n := range c.Set {
		if was, found := j.types[n.Name]; found && n.Value.Kind != value.Absent && n.Value.Kind != was {
			return false
		}
	}
	p := j.hear(c.CID, millis)
	for _, n := range c.Set {
		if n.Value.Kind != value.Absent {
			j.types[n.Name] = n.Value.Kind
			p.attributes[n.Name] = n.Value
		}
	}
	for _, name := range c.Unset {
		delete(p.attributes, name)
	}
	return true
}

// moment returns when a record counts from, and whether its CID and its time can be taken.
func (j *Judge) moment(cid string, millis, receivedMillis int64) (int64, bool) {
	const day = 24 * 60 * 60 * 1000
	if cid == "" || len(cid) > 128 {
		return 0, false
	}
	if millis == batch.NoTime {
		return receivedMillis, true
	}
	return millis, millis >= 0 && millis <= receivedMillis+day
}

func (j *Judge) hear(cid string, millis int64) *person {
	p := j.people[cid]
	if p == nil {
		p = &person{heardSecond: floor(millis), ids: map[identity]bool{}, tags: map[string]int64{}, attributes: map[string]value.Value{}}
		j.people[cid] = p
		j.order = append(j.order, cid)
	}
	p.heardSecond = min(p.heardSecond, floor(millis))
	return p
}

func floor(millis int64) int64 { return time.UnixMilli(millis).Unix() }

// day returns the date that a clock on the wall shows, in days since 1970-01-01.
func (j *Judge) day(second int64) int64 {
	year, month, day := time.Unix(second, 0).In(j.zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// lastSecond returns the last second whose date is not after a day.
func (j *Judge) lastSecond(day int64) int64 {
	if end, found := j.dayEnds[day]; found {
		return end
	}
	const reach = 16 * 3600 // no zone is further from UTC
	for second := (day+1)*86400 + reach; second > (day-1)*86400-reach; second-- {
		if j.day(second) <= day {
			j.dayEnds[day] = second
			return second
		}
	}
	panic(fmt.Sprintf("judge: day %d has no end", day))
}
