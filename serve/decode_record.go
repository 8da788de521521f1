package serve

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
)

// addRecord gives one record to the builder, or rejects it.
func addRecord(b *batch.Builder, index int, r *whowhenv1.Record) {
	var bad *batch.Reject
	switch kind := r.GetKind().(type) {
	case *whowhenv1.Record_Event:
		var e batch.Event
		if e, bad = decodeEvent(kind.Event); bad == nil {
			b.Event(index, e)
		}
	case *whowhenv1.Record_Tag:
		var t batch.TagChange
		if t, bad = decodeTag(kind.Tag); bad == nil {
			b.Tag(index, t)
		}
	case *whowhenv1.Record_Profile:
		var p batch.ProfileChange
		if p, bad = decodeProfile(kind.Profile); bad == nil {
			b.Profile(index, p)
		}
	default:
		bad = &batch.Reject{Reason: "RECORD_EMPTY", Message: "the record is none of event, tag and profile"}
	}
	if bad != nil {
		bad.Index = index
		b.Reject(*bad)
	}
}

func decodeEvent(e *whowhenv1.Event) (batch.Event, *batch.Reject) {
	event := batch.Event{CID: e.GetCid(), Name: e.GetName(), OffsetMinutes: batch.NoOffset, ID: e.GetEventId()}
	if e != nil && e.UtcOffsetMinutes != nil {
		event.OffsetMinutes = int64(e.GetUtcOffsetMinutes())
	}
	var bad *batch.Reject
	if event.TimeMillis, bad = decodeTime("time", e.GetTime()); bad != nil {
		return event, bad
	}
	event.Properties, bad = decodeNamed("properties", e.GetProperties())
	return event, bad
}

func decodeTag(t *whowhenv1.TagChange) (batch.TagChange, *batch.Reject) {
	change := batch.TagChange{CID: t.GetCid(), Tag: t.GetTag(), Remove: t.GetRemove()}
	var bad *batch.Reject
	if change.TimeMillis, bad = decodeTime("time", t.GetTime()); bad != nil {
		return change, bad
	}
	if t.GetExpiresAt() != nil {
		if change.ExpiresMillis, bad = decodeTime("expires_at", t.GetExpiresAt()); change.ExpiresMillis == 0 {
			change.ExpiresMillis = 1 // the start of 1970, in a place where 0 means never
		}
	}
	return change, bad
}

func decodeProfile(p *whowhenv1.ProfileChange) (batch.ProfileChange, *batch.Reject) {
	change := batch.ProfileChange{CID: p.GetCid(), Unset: p.GetUnset()}
	var bad *batch.Reject
	if change.TimeMillis, bad = decodeTime("time", p.GetTime()); bad != nil {
		return change, bad
	}
	change.Set, bad = decodeNamed("set", p.GetSet())
	return change, bad
}

func decodeTime(field string, t *timestamppb.Timestamp) (millis int64, bad *batch.Reject) {
	if t == nil {
		return batch.NoTime, nil
	}
	if err := t.CheckValid(); err != nil {
		return 0, &batch.Reject{Field: field, Reason: "TIME_INVALID", Message: "the time is not between the years 1 and 9999, or has parts out of range"}
	}
	return t.AsTime().UnixMilli(), nil
}

// decodeNamed returns the values by name, so that equal records make equal batches.
func decodeNamed(field string, values map[string]*whowhenv1.Value) ([]batch.Named, *batch.Reject) {
	if len(values) == 0 {
		return nil, nil
	}
	named := make([]batch.Named, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, reason, message := decodeValue(values[name])
		if reason != "" {
			if len(name) > batch.MaxNameBytes {
				return nil, &batch.Reject{Field: field, Reason: "NAME_TOO_LONG", Message: fmt.Sprintf("the name has %d bytes, at most %d are taken", len(name), batch.MaxNameBytes)}
			}
			return nil, &batch.Reject{Field: field + "." + name, Reason: reason, Message: message}
		}
		named = append(named, batch.Named{Name: name, Value: v})
	}
	return named, nil
}
