package index

import (
	"fmt"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
)

// Draft is the next version in the making. One goroutine may use it, and only one draft of an
// index may be made at a time, since names and CIDs are numbered in the shared dictionaries. Its maker is inside an epoch.
type Draft struct {
	schema *Schema
	cids   *dict.CIDs
	zone   *civil.Zone
	base   *Version

	position uint64 // of the batch being applied
	received int32  // its day, or neverLate
	shards   []*shard
	owned    []bool // which shards are clones of this draft's

	retention   *retention
	sweptMillis int64
	scores      []*Score // the base's until one changes
	known       int      // CIDs in the base
	heardNew    []int64
	heardOld    map[uint32]int64
	heardBlocks map[*columnFrag]*column.Block // of the base, those that were asked for
	dirty       int                           // bytes of new fragments, less those of their own that they replaced

	arrived []*arrivals // by event; not in the shards yet
	scratch *scratch
}

// NewDraft returns a draft that begins as the base version.
func NewDraft(base *Version, schema *Schema, cids *dict.CIDs, zone *civil.Zone) *Draft {
	return &Draft{
		schema: schema, cids: cids, zone: zone, base: base,
		shards: slices.Clone(base.shards), owned: make([]bool, len(base.shards)),
		known: base.CIDs, heardOld: map[uint32]int64{}, heardBlocks: map[*columnFrag]*column.Block{}, retention: base.retention, sweptMillis: base.sweptMillis,
		scores:  base.scores,
		scratch: &scratch{},
	}
}

// unheard is later than any second.
const unheard = 1<<62 - 1

// Apply adds the batch at a position. After an error the draft must be thrown away.
func (d *Draft) Apply(b *batch.Batch, position uint64) error {
	d.position, d.received = position, d.receivedDay(b)
	// What was swept by a clock that has been set back since expires once more.
	d.sweptMillis = min(d.sweptMillis, b.ReceivedMillis)
	if len(b.Retentions) > 0 {
		if err := d.settleArrived(); err != nil { // they drop events
			return err
		}
	}
	for _, r := range b.Retentions {
		if err := d.retain(r, b.ReceivedMillis); err != nil {
			return fmt.Errorf("retention of %.60q: %w", r.Name, err)
		}
	}
	for i := range b.Events {
		if err := d.events(&b.Events[i], b.ReceivedMillis); err != nil {
			return fmt.Errorf("event %.60q: %w", b.Events[i].Name, err)
		}
	}
	for i := range b.Tags {
		if err := d.tags(&b.Tags[i], b.ReceivedMillis); err != nil {
			return fmt.Errorf("tag %.60q: %w", b.Tags[i].Name, err)
		}
	}
	for i := range b.Profiles {
		if err := d.profiles(&b.Profiles[i], b.ReceivedMillis); err != nil {
			return fmt.Errorf("profiles: %w", err)
		}
	}
	return d.scoreChanges(b)
}

// Finish returns the drafted version. The draft is used up.
func (d *Draft) Finish(position uint64) (*Version, error) {
	if err := d.settleArrived(); err != nil {
		return nil, err
	}
	if err := d.settleHeard(); err != nil {
		return nil, err
	}
	return &Version{Position: position, CIDs: d.known + len(d.heardNew), cache: d.base.cache, shards: d.shards, retention: d.retention, sweptMillis: d.sweptMillis, scores: d.scores}, nil
}

// DirtyBytes returns about how much memory the draft's new fragments take.
func (d *Draft) DirtyBytes() int { return d.dirty }

// shard returns a shard that may be changed.
func (d *Draft) shard(id uint32) *shard {
	for int(id) >= len(d.shards) {
		d.shards, d.owned = append(d.shards, &shard{}), append(d.owned, true)
	}
	if !d.owned[id] {
		d.shards[id], d.owned[id] = d.shards[id].clone(), true
	}
	return d.shards[id]
}

// replaced accounts for a new fragment in the place of an old one, which may be nil.
func replaced[T payload[T]](d *Draft, old, next *frag[T]) *frag[T] {
	if old != nil {
		d.dirty -= old.dirtyBytes()
	}
	if next != nil {
		d.dirty += next.dirtyBytes()
	}
	return next
}

// resolve returns the ordinals of a column of CIDs, valid until the next call, and notes when each was heard of.
func (d *Draft) resolve(cids *batch.CIDs, timesMillis []int64, receivedMillis int64) ([]uint32, error) {
	n := cids.Len()
	d.scratch.ordinals = slices.Grow(d.scratch.ordinals[:0], n)[:n]
	ordinals := d.scratch.ordinals
	if err := d.cids.Resolve(cids, ordinals); err != nil {
		return nil, err
	}
	for i, ordinal := range ordinals {
		second := floorSeconds(timeOr(timesMillis, i, receivedMillis))
		if at := int(ordinal) - d.known; at >= 0 {
			for at >= len(d.heardNew) {
				d.heardNew = append(d.heardNew, unheard)
			}
			d.heardNew[at] = min(d.heardNew[at], second)
			continue
		}
		f := d.base.shards[ordinal/bitmap.ShardOrdinals].heard[ordinal%bitmap.ShardOrdinals>>16]
		if second >= f.high {
			continue // all of the block were heard of by then
		}
		before, err := d.heard(f, ordinal)
		if err != nil {
			return nil, err
		}
		if second < before {
			d.heardOld[ordinal] = second
		}
	}
	return ordinals, nil
}

func timeOr(timesMillis []int64, i int, otherwise int64) int64 {
	if len(timesMillis) == 0 || timesMillis[i] == batch.NoTime {
		return otherwise
	}
	return timesMillis[i]
}

func floorSeconds(millis int64) int64 {
	s := millis / 1000
	if millis%1000 < 0 {
		s--
	}
	return s
}

// heard returns when a CID of the base was first heard of, as far as the draft knows; f is its block.
func (d *Draft) heard(f *columnFrag, ordinal uint32) (int64, error) {
	if second, found := d.heardOld[ordinal]; found {
		return second, nil
	}
	block := d.heardBlocks[f]
	if block == nil {
		var err error
		if block, err = f.get(d.base.cache, column.DecodeBlock); err != nil {
			return 0, err
		}
		d.heardBlocks[f] = block
	}
	cell, _ := block.At(uint16(ordinal))
	return cell.Data, nil
}

// settleHeard writes what resolve noted to the columns.
func (d *Draft) settleHeard() error {
	changes := make([]ordinalChange, 0, len(d.heardNew)+len(d.heardOld))
	for ordinal, second := range d.heardOld {
		changes = append(changes, ordinalChange{ordinal, true, column.Cell{Data: second}})
	}
	slices.SortFunc(changes, func(a, b ordinalChange) int { return int(int64(a.ordinal) - int64(b.ordinal)) })
	for i, second := range d.heardNew {
		changes = append(changes, ordinalChange{uint32(d.known + i), true, column.Cell{Data: second}})
	}
	return d.applyColumn(changes, func(s *shard) *blocks { return (*blocks)(&s.heard) }, fragKey{kind: kindHeard})
}

// ordinalChange is a change of one ordinal's cell.
type ordinalChange struct {
	ordinal uint32
	set     bool
	cell    column.Cell
}

// applyColumn makes changes, which ascend by ordinal, in the blocks that find returns.
func (d *Draft) applyColumn(changes []ordinalChange, find func(*shard) *blocks, key fragKey) error {
	var buf []column.Change
	for len(changes) > 0 {
		first := changes[0].ordinal >> 16
		buf = buf[:0]
		for len(changes) > 0 && changes[0].ordinal>>16 == first {
			c := changes[0]
			buf, changes = append(buf, column.Change{At: uint16(c.ordinal), Set: c.set, Cell: c.cell}), changes[1:]
		}
		key.shard, key.part = first/bitmap.ShardBlocks, first%bitmap.ShardBlocks
		to := find(d.shard(key.shard))
		old := column.New(formOf(key.kind))
		if f := to[key.part]; f != nil {
			var err error
			if old, err = f.owned(d.base.cache, column.DecodeBlock); err != nil {
				return err
			}
		}
		next := old.Apply(buf)
		if next.Count() == 0 {
			to[key.part] = replaced(d, to[key.part], nil)
		} else {
			to[key.part] = replaced(d, to[key.part], newColumn(key, next))
		}
	}
	return nil
}

// formOf returns how a column of a kind is kept: attributes and scores are compared, the others looked up by ordinal.
func formOf(k kind) column.Form {
	if k == kindAttribute || k == kindScore {
		return column.Planes
	}
	return column.Bytes
}

// applyRow adds and removes members of a row; both lists ascend. Row and result may be
// nil, which stands for empty.
func (d *Draft) applyRow(old *rowFrag, add, remove []uint32, key fragKey) (*rowFrag, error) {
	if len(add) == 0 && len(remove) == 0 {
		return old, nil
	}
	bits := &bitmap.Bitmap{}
	if old != nil {
		var err error
		if bits, err = old.owned(d.base.cache, bitmap.Decode); err != nil {
			return nil, err
		}
	}
	next := bits.Apply(add, remove)
	if next.Count() == 0 {
		return replaced(d, old, nil), nil
	}
	return replaced(d, old, newRow(key, next)), nil
}

// byOrdinal returns the rows of a batch sorted by ordinal, and by row within one, as ordinal<<16 | row. It is valid
// until the next sort.
func (d *Draft) byOrdinal(ordinals []uint32) []uint64 {
	keys, greatest := d.scratch.keys(len(ordinals)), uint32(0)
	for row, ordinal := range ordinals {
		keys[row] = uint64(ordinal)<<16 | uint64(row)
		greatest = max(greatest, ordinal)
	}
	return d.scratch.sort(16, 16+uint(bits.Len32(greatest)))
}
