package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/value"
)

// Bulk describes an index to be built at once, of which all is known: who there is, and what is true of each block of
// them. Its functions are called concurrently.
type Bulk struct {
	CIDs int
	// CID returns the CID of an ordinal; no two may have the same.
	CID func(ordinal uint32) [batch.PackedBytes]byte
	// HeardSecond is when all of them were first heard of; no event may be earlier.
	HeardSecond int64

	Tags    []string
	Numbers []string // attributes
	Events  []BulkEvent
	Days    []int32 // of the events, ascending

	// TagWords sets who of a block, counted through all shards, bears a tag.
	TagWords func(tag, block int, words *bitmap.Words)
	// Values sets the whole numbers of an attribute, for each ordinal of a block a place, and who has one.
	Values func(number, block int, values []int64, present *bitmap.Words)
	// Rows returns what happened of an event on a day in a shard. Props are numbered as in Events, and the code of a
	// string is its place in Strings.
	Rows func(event int, day int32, shard int) *column.Rows
}

// BulkEvent names an event and its properties.
type BulkEvent struct {
	Name  string
	Props []BulkProp
}

// BulkProp names a property and the strings that are its values.
type BulkProp struct {
	Name    string
	Strings []string
}

// BuildBulk makes a store, which must be empty, hold the index that a Bulk describes, as if at position 0 of the log.
// It works a shard at a time on all cores, so that memory does not grow with the number of CIDs but for their
// dictionary, and calls step, one call at a time, as it comes along. The index is there whole or not at all.
func BuildBulk(ctx context.Context, st *store.Store, b *Bulk, step func(done, all int)) error {
	hot := NewHot(1) // what is stored need not stay in memory
	ix, err := New(st, time.UTC, hot, func(cause error) error { return cause })
	if err != nil {
		return err
	}
	defer ix.Close()
	if ix.saved.version != nil {
		return errors.New("bulk: the store holds an index already")
	}
	build := &bulkBuild{Bulk: b, index: ix, generation: ix.saved.generation + 1}
	build.parts = build.listParts()
	shards := (b.CIDs + bitmap.ShardOrdinals - 1) / bitmap.ShardOrdinals
	done, all := 0, (b.CIDs+batch.MaxRecords-1)/batch.MaxRecords+shards*len(build.parts)
	build.step = func() {
		done++
		step(done, all)
	}
	if err := build.names(); err != nil {
		return err
	}
	if err := build.dictionary(ctx); err != nil {
		return err
	}
	v := &Version{CIDs: b.CIDs, cache: ix.cache}
	for id := range shards {
		s, err := build.shard(ctx, uint32(id))
		if err != nil {
			return fmt.Errorf("bulk: shard %d: %w", id, err)
		}
		v.shards = append(v.shards, s)
	}
	ix.mu.Lock()
	ix.current = &snapshot{Version: v, sequence: ix.current.sequence + 1}
	ix.mu.Unlock()
	// All fragments are stored; what is left are the lists of them, the dictionaries and the manifest.
	_, err = ix.Checkpoint(func(uint64) []BatchID { return nil }, 0)
	return err
}

// bulkBuild is a bulk index in the making.
type bulkBuild struct {
	*Bulk
	index      *Index
	generation uint64
	parts      []bulkPart
	step       func() // after each batch of CIDs and each part of a shard
}

// names numbers all fields and values as Bulk does.
func (b *bulkBuild) names() error {
	s := b.index.Schema
	for i, name := range b.Tags {
		if s.addTag(name) != uint32(i) {
			return fmt.Errorf("bulk: two tags are called %q", name)
		}
	}
	for i, name := range b.Numbers {
		if id, _, _ := s.addAttribute(name, value.Number, 0); id != uint32(i) {
			return fmt.Errorf("bulk: two attributes are called %q", name)
		}
	}
	for i, e := range b.Events {
		id := s.addEvent(e.Name)
		if id != uint32(i) {
			return fmt.Errorf("bulk: two events are called %q", e.Name)
		}
		for j, p := range e.Props {
			number, values := s.addProperty(id, p.Name)
			if number != uint32(j) {
				return fmt.Errorf("bulk: event %q has two properties called %q", e.Name, p.Name)
			}
			for code, text := range p.Strings {
				if values.Strings.Add(text) != uint32(code) {
					return fmt.Errorf("bulk: property %q of event %q has %q twice", p.Name, e.Name, text)
				}
			}
		}
	}
	return nil
}

// dictionary numbers the CIDs.
func (b *bulkBuild) dictionary(ctx context.Context) error {
	const most = batch.MaxRecords
	packed, ordinals := make([]byte, 0, most*batch.PackedBytes), make([]uint32, most)
	for from := 0; from < b.CIDs; from += most {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(most, b.CIDs-from)
		packed = packed[:0]
		for i := range n {
			cid := b.CID(uint32(from + i))
			packed = append(packed, cid[:]...)
		}
		if err := b.index.CIDs.Resolve(&batch.CIDs{Packed: packed}, ordinals[:n]); err != nil {
			return err
		}
		for i, got := range ordinals[:n] {
			if int(got) != from+i {
				return fmt.Errorf("bulk: ordinals %d and %d have the same CID", got, from+i)
			}
		}
		b.step()
	}
	return nil
}

// bulkPart is an independent part of a shard.
type bulkPart func(w *bulkWorker, shardID uint32) error

// listParts lists what a shard consists of, the largest first, so that the cores are done at about the same time.
func (b *bulkBuild) listParts() []bulkPart {
	var parts []bulkPart
	for i := range b.Events {
		for _, day := range b.Days {
			parts = append(parts, func(w *bulkWorker, shardID uint32) error { return w.eventDay(shardID, i, day) })
		}
	}
	for i := range b.Numbers {
		parts = append(parts, func(w *bulkWorker, shardID uint32) error { return w.number(shardID, i) })
	}
	for i := range b.Tags {
		parts = append(parts, func(w *bulkWorker, shardID uint32) error { return w.tag(shardID, i) })
	}
	return append(parts, (*bulkWorker).heard)
}

// shard builds and stores one shard.
func (b *bulkBuild) shard(ctx context.Context, id uint32) (*shard, error) {
	whole := &shard{}
	finished := make(chan *shard)
	next := make(chan bulkPart)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for _, part := range b.parts {
			select {
			case next <- part:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			w := &bulkWorker{bulkBuild: b, writer: b.index.store.Writer()}
			defer w.writer.Cancel()
			for part := range next {
				s, err := w.make(part, id)
				if err != nil {
					return err
				}
				select {
				case finished <- s:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return w.writer.Flush()
		})
	}
	group.Go(func() error {
		for range b.parts {
			select {
			case s := <-finished:
				whole.take(s)
				b.step()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return whole, nil
}

// take adds the fragments of another part of the same shard.
func (s *shard) take(part *shard) {
	for i, f := range part.heard {
		if f != nil {
			s.heard[i] = f
		}
	}
	for i, t := range part.tags {
		if t != nil {
			s.tags = put(s.tags, uint32(i), t)
		}
	}
	for i, a := range part.attributes {
		if a != nil {
			s.attributes = put(s.attributes, uint32(i), a)
		}
	}
	for i, days := range part.events {
		if len(days) == 0 {
			continue
		}
		all := append(at(s.events, uint32(i)), days...)
		slices.SortFunc(all, func(a, b *EventDay) int { return cmp.Compare(a.Day, b.Day) })
		s.events = put(s.events, uint32(i), all)
	}
}
