package index

import (
	"math"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

// What has expired or is no longer kept is invisible by the clock alone; the sweep only takes it away. So that a clock
// that is set back a little brings nothing out of order, it leaves the last hour's tags and the last day's events. That
// a tag was there and has expired is remembered for some time, so that it can be told.
const (
	sweptAfterMillis     = 3600 * 1000
	sweptAfterDays       = 1
	forgottenAfterMillis = 30 * dayMillis
)

// Sweep takes tags that have expired and events that are no longer kept out of the newest version, and says how
// many of both it took. No answer changes by it. It must not run beside Apply.
func (ix *Index) Sweep(nowMillis int64) (swept int, err error) {
	defer ix.cache.reader()()
	base := ix.newest()
	d := NewDraft(base.Version, ix.Schema, ix.CIDs, ix.zone)
	d.sweptMillis = max(base.sweptMillis, nowMillis-sweptAfterMillis)
	for id := range d.shards {
		for tag := range d.shards[id].tags {
			n, err := d.sweepTag(uint32(id), uint32(tag), nowMillis-forgottenAfterMillis)
			if err != nil {
				return 0, err
			}
			swept += n
		}
		for event, name := range ix.Schema.Events() {
			from := base.retention.from(name, d.zone.Day(floorSeconds(nowMillis))-sweptAfterDays)
			swept += d.dropDays(uint32(id), uint32(event), from)
		}
	}
	if swept == 0 {
		return 0, nil
	}
	return swept, ix.publish(base, d, base.Position, base.loads)
}

// sweepTag takes those out of a tag's row who have expired since the last sweep, and forgets those who expired
// up to a moment.
func (d *Draft) sweepTag(shardID, tag uint32, forgetMillis int64) (swept int, err error) {
	t := at(d.shards[shardID].tags, tag)
	if t == nil {
		return 0, nil
	}
	var expired []uint32
	var changes []ordinalChange
	for part, f := range t.expiry {
		if f == nil || f.low > d.sweptMillis {
			continue
		}
		block, err := f.get(d.base.cache, column.DecodeBlock)
		if err != nil {
			return 0, err
		}
		first := uint32(part) << 16
		for _, x := range slices.Sorted(slices.Values(block.Due(d.base.sweptMillis, d.sweptMillis, 0))) {
			expired = append(expired, first+uint32(x))
		}
		for _, x := range slices.Sorted(slices.Values(block.Due(math.MinInt64, forgetMillis, 0))) {
			changes = append(changes, ordinalChange{ordinal: shardID*bitmap.ShardOrdinals + first + uint32(x)})
		}
	}
	if len(expired)+len(changes) == 0 {
		return 0, nil
	}
	return max(len(expired), len(changes)), d.tagShard(tag, shardID, nil, expired, changes)
}

// dropDays drops the days of an event before one, and says how many events there were.
func (d *Draft) dropDays(shardID, event uint32, from int32) (dropped int) {
	days := at(d.shards[shardID].events, event)
	old := 0
	for old < len(days) && days[old].Day < from {
		dropped += days[old].Events()
		for _, c := range days[old].chunks {
			replaced(d, c, nil)
		}
		for _, p := range append(days[old].planes[:len(days[old].planes):len(days[old].planes)], days[old].presence) {
			replaced(d, p, nil)
		}
		old++
	}
	if old > 0 {
		s := d.shard(shardID)
		s.events = put(s.events, event, slices.Clone(days[old:]))
	}
	return dropped
}
