package index

import (
	"maps"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/store"
)

// Index is the newest version of an app's index and all that versions share. Apply and
// Checkpoint may each be called by one goroutine at a time, the two at once; Sweep counts as
// Apply. Everything else may be called by any.
type Index struct {
	Schema *Schema
	CIDs   *dict.CIDs

	store *store.Store
	cache *Cache

	// The applier's.
	zone    *civil.Zone
	scratch scratch

	dirtyBytes atomic.Int64 // of fragments in no generation yet, about

	mu      sync.Mutex
	current *snapshot
	pins    map[uint64]int // by sequence
	garbage []garbage

	saved saved // changed by Checkpoint alone, which reads it without mu
}

// snapshot is a version with what else holds at its position.
type snapshot struct {
	*Version
	sequence uint64
	loads    map[string]Load
}

// garbage are keys of the store, and their fragments, that versions before this sequence may still read.
type garbage struct {
	before uint64
	keys   [][]byte
	frags  []anyFrag
}

// Apply makes the batches, the last of which is at this position, the newest version. After an
// error the index takes no more batches, while the versions before stay good.
func (ix *Index) Apply(batches []*batch.Batch, position uint64) error {
	defer ix.cache.reader()()
	base := ix.newest()
	draft := NewDraft(base.Version, ix.Schema, ix.CIDs, ix.zone)
	draft.scratch = &ix.scratch
	loads := base.loads
	for i, b := range batches {
		if err := draft.Apply(b, position-uint64(len(batches)-1-i)); err != nil {
			return err
		}
		if b.Load != nil {
			if loads = maps.Clone(loads); loads == nil {
				loads = map[string]Load{}
			}
			loads[b.Load.ID] = loads[b.Load.ID].Add(b, position)
		}
	}
	return ix.publish(base, draft, position, loads)
}

// publish makes a draft the newest version.
func (ix *Index) publish(base *snapshot, draft *Draft, position uint64, loads map[string]Load) error {
	v, err := draft.Finish(position)
	if err != nil {
		return err
	}
	ix.dirtyBytes.Add(int64(draft.DirtyBytes()))
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.current = &snapshot{Version: v, sequence: base.sequence + 1, loads: loads}
	return nil
}

// Add returns the state of a load after one more of its batches.
func (l Load) Add(b *batch.Batch, position uint64) Load {
	return Load{
		NextRow:  b.Load.FirstRow + b.Load.Rows,
		Finished: b.Load.Last,
		Accepted: l.Accepted + uint64(b.Records()),
		Rejected: l.Rejected + b.Load.Rejected,
		Skipped:  l.Skipped + b.Load.Skipped,
		Position: position,
	}
}

func (ix *Index) newest() *snapshot {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	return ix.current
}

// Position returns the position of the newest version.
func (ix *Index) Position() uint64 { return ix.newest().Position }

// Loads returns the bulk loads as of the newest version. The caller must not change them.
func (ix *Index) Loads() map[string]Load { return ix.newest().loads }

// Pin returns the newest version and a function to call once when done with it; until then
// everything the version needs stays in the store.
func (ix *Index) Pin() (v *Version, release func()) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := ix.current
	ix.pins[s.sequence]++
	ix.cache.hot.begin()
	return s.Version, sync.OnceFunc(func() { ix.unpin(s.sequence) })
}

func (ix *Index) unpin(sequence uint64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.pins[sequence]--; ix.pins[sequence] == 0 {
		delete(ix.pins, sequence)
	}
}

// StoredBytes adds up what the store holds.
func (ix *Index) StoredBytes() (total int64, err error) {
	for _, prefix := range allPrefixes {
		err := ix.store.Keys([]byte{byte(prefix)}, func(key []byte, bytes int) error {
			total += int64(len(key) + bytes)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// DirtyBytes returns about how much memory fragments take that no checkpoint has stored.
func (ix *Index) DirtyBytes() int64 { return ix.dirtyBytes.Load() }

// CacheUse returns how often, since the index was opened, a query found a fragment in memory and how often it had to read it.
func (ix *Index) CacheUse() (hits, misses uint64) {
	return ix.cache.hits.Load(), ix.cache.misses.Load()
}

// EmptyCache takes the fragments that are in the store as well out of memory.
func (ix *Index) EmptyCache() { ix.cache.hot.forget(ix.cache) }

// Close takes the index's fragments out of the cache. Nobody may use the index any more.
func (ix *Index) Close() { ix.cache.hot.forget(ix.cache) }

// collectable returns the keys of the store, and their fragments, that nobody can need any more.
func (ix *Index) collectable() (keys [][]byte, frags []anyFrag) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	oldest := ix.current.sequence
	for sequence := range ix.pins {
		oldest = min(oldest, sequence)
	}
	for len(ix.garbage) > 0 && ix.garbage[0].before <= oldest {
		keys, frags = append(keys, ix.garbage[0].keys...), append(frags, ix.garbage[0].frags...)
		ix.garbage = ix.garbage[1:]
	}
	return keys, frags
}
