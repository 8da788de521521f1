package index

import (
	"maps"
	"math"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

const dayMillis = 24 * 3600 * 1000

// retention says how long things are kept. It is immutable; a version has one.
//
// What is no longer kept is invisible at once, by the clock, and leaves memory and disk with a later sweep or
// with the event's next rule, whichever comes first, so that no rule brings anything back.
type retention struct {
	Events map[string]int32 `json:"events,omitempty"` // days
	Tags   map[string]int32 `json:"tags,omitempty"`   // days
}

// from returns the first day of an event that is kept.
func (r *retention) from(event string, today int32) int32 {
	days := r.days(false, event)
	if days == 0 {
		return math.MinInt32
	}
	return today - days + 1
}

// days returns how many days an event, or a tag once it is set, is kept; 0 means for ever.
func (r *retention) days(tag bool, name string) int32 {
	switch {
	case r == nil:
		return 0
	case tag:
		return r.Tags[name]
	}
	return r.Events[name]
}

// with returns the retention after one more rule.
func (r *retention) with(rule batch.Retention) *retention {
	next := &retention{Events: map[string]int32{}, Tags: map[string]int32{}}
	if r != nil {
		maps.Copy(next.Events, r.Events)
		maps.Copy(next.Tags, r.Tags)
	}
	to := next.Events
	if rule.Tag {
		to = next.Tags
	}
	if rule.KeepDays == 0 {
		delete(to, rule.Name)
	} else {
		to[rule.Name] = rule.KeepDays
	}
	return next
}

// KeptFrom returns the first day of an event that is kept today: what happened earlier is not to be seen.
func (v *Version) KeptFrom(event string, today int32) int32 { return v.retention.from(event, today) }

// Retentions returns all rules that are in force.
func (v *Version) Retentions() (rules []batch.Retention) {
	if v.retention == nil {
		return nil
	}
	for name, days := range v.retention.Events {
		rules = append(rules, batch.Retention{Name: name, KeepDays: days})
	}
	for name, days := range v.retention.Tags {
		rules = append(rules, batch.Retention{Tag: true, Name: name, KeepDays: days})
	}
	return rules
}

// retain puts a rule into force. What the event's rule until now did not keep is dropped. Who bears the tag
// already counts as having got it now.
func (d *Draft) retain(rule batch.Retention, receivedMillis int64) error {
	if !rule.Tag {
		if event, found := d.schema.Event(rule.Name); found {
			from := d.retention.from(rule.Name, d.zone.Day(floorSeconds(receivedMillis)))
			for id := range d.shards {
				d.dropDays(uint32(id), event, from)
			}
		}
	}
	d.retention = d.retention.with(rule)
	tag, found := d.schema.Tag(rule.Name)
	if !rule.Tag || rule.KeepDays == 0 || !found {
		return nil
	}
	// After the sweep, even where the clock was set back since: what is in a row has not been swept.
	latest := max(receivedMillis+int64(rule.KeepDays)*dayMillis, d.sweptMillis+1)
	for id := range d.shards {
		if err := d.limitTag(uint32(id), tag, latest); err != nil {
			return err
		}
	}
	return nil
}

// limitTag has a tag of a shard expire at a moment at the latest.
func (d *Draft) limitTag(shardID, tag uint32, latestMillis int64) error {
	t := at(d.shards[shardID].tags, tag)
	if t == nil || t.row == nil {
		return nil
	}
	row, err := t.row.get(d.base.cache, bitmap.Decode)
	if err != nil {
		return err
	}
	var changes []ordinalChange
	for part := range t.expiry {
		bearers := row.Block(part)
		if bearers == nil {
			continue
		}
		known := &column.Block{}
		if f := t.expiry[part]; f != nil {
			if known, err = f.get(d.base.cache, column.DecodeBlock); err != nil {
				return err
			}
		}
		first := shardID*bitmap.ShardOrdinals + uint32(part)<<16
		bearers.Each(func(x uint16) {
			if cell, found := known.At(x); !found || cell.Data > latestMillis {
				changes = append(changes, ordinalChange{first + uint32(x), true, column.Cell{Data: latestMillis}})
			}
		})
	}
	if len(changes) == 0 {
		return nil
	}
	next := *t
	if err := d.applyColumn(changes, func(*shard) *blocks { return &next.expiry }, fragKey{kind: kindExpiry, field: tag}); err != nil {
		return err
	}
	d.shard(shardID).tags = put(d.shard(shardID).tags, tag, &next)
	return nil
}
