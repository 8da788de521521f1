package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/internal/store"
)

// New returns the index in a store: the one its manifest names or, where there is none, an empty one. Any
// error means that what the store holds cannot be used and must be rebuilt from the log.
func New(st *store.Store, zone *time.Location, hot *Hot, onDamage func(error) error) (*Index, error) {
	ix := &Index{
		Schema: NewSchema(), CIDs: dict.NewCIDs(memory.NewArena()),
		store: st, cache: newCache(st, hot, onDamage), zone: civil.NewZone(zone),
		pins: map[uint64]int{},
	}
	ix.current = &snapshot{Version: &Version{cache: ix.cache}, sequence: 1}
	data, err := st.Manifest()
	if errors.Is(err, store.ErrMissing) {
		return ix, ix.sweep()
	}
	if err == nil {
		err = ix.restore(data)
	}
	if err != nil {
		return nil, err
	}
	return ix, nil
}

// restore reads the generation that the manifest names.
func (ix *Index) restore(data []byte) error {
	st := ix.store
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("index manifest: %w", err)
	}
	if m.Format != formatVersion {
		return fmt.Errorf("index manifest: format %d, this whowhen writes %d", m.Format, formatVersion)
	}
	manifestData := data
	data, err := st.Get(stateKey(m.Generation))
	if err != nil {
		return fmt.Errorf("index state: %w", err)
	}
	if got := sum(data); got != m.State {
		return fmt.Errorf("index state: SHA-256 %s, the manifest says %s", got, m.State)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("index state: %w", err)
	}
	for _, r := range s.BatchIDs {
		if r.Bits > maxBatchIDBits {
			return fmt.Errorf("index state: batch ids in 2^%d blobs", r.Bits)
		}
	}
	if err := ix.restoreFields(&s); err != nil {
		return err
	}
	if ix.CIDs.Len() != m.CIDs {
		return fmt.Errorf("index: %d CIDs, the manifest says %d", ix.CIDs.Len(), m.CIDs)
	}
	v := &Version{Position: m.Position, CIDs: m.CIDs, cache: ix.cache, retention: s.Retention, sweptMillis: s.Swept, scores: s.Scores}
	for i, shard := range s.Shards {
		catalog, err := st.Get(catalogKey(shard.Generation, i))
		if err != nil {
			return fmt.Errorf("catalog of shard %d: %w", i, err)
		}
		if sum(catalog) != shard.Catalog {
			return fmt.Errorf("catalog of shard %d does not have the SHA-256 that the state says", i)
		}
		restored, err := decodeCatalog(catalog, uint32(i), ix.cache)
		if err != nil {
			return fmt.Errorf("catalog of shard %d: %w", i, err)
		}
		v.shards = append(v.shards, restored)
	}
	if err := v.check(&s); err != nil {
		return err
	}
	ix.saved = saved{m.Generation, v, 1, s, manifestData}
	ix.current = &snapshot{Version: v, sequence: 1, loads: s.Loads}
	return ix.sweep()
}

func (ix *Index) restoreFields(s *state) error {
	for _, name := range s.Tags {
		ix.Schema.addTag(name)
	}
	for _, a := range s.Attributes {
		ix.Schema.addAttribute(a.Name, a.Kind, a.Since)
	}
	for _, e := range s.Events {
		id := ix.Schema.addEvent(e.Name)
		for _, p := range e.Props {
			ix.Schema.addProperty(id, p.Name)
		}
	}
	err := s.eachDictionary(ix.Schema, func(name dictionary, d *dict.Strings, chunks *[]uint64, count *int) error {
		for i, generation := range *chunks {
			data, err := ix.store.Get(name.key(generation, i))
			if err != nil {
				return fmt.Errorf("dictionary %+v: %w", name, err)
			}
			if err := d.LoadStrings(data); err != nil {
				return fmt.Errorf("dictionary %+v: %w", name, err)
			}
		}
		if n := len(d.All()); n != *count {
			return fmt.Errorf("dictionary %+v: %d strings, the state says %d", name, n, *count)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return ix.restoreCIDs(s.CIDs)
}

func (ix *Index) restoreCIDs(pieces []cidsPiece) error {
	keys, counts := cidsKeys(pieces), make([]int, len(pieces))
	for i, p := range pieces {
		counts[i] = p.Count
	}
	return ix.CIDs.Load(counts, runtime.GOMAXPROCS(0), func(i int) ([]byte, error) { return ix.store.Get(keys[i]) })
}

// check holds the version against the numbers of fields and CIDs that there are.
func (v *Version) check(s *state) error {
	if want := (v.CIDs + bitmap.ShardOrdinals - 1) / bitmap.ShardOrdinals; len(v.shards) != want {
		return fmt.Errorf("index: %d shards for %d CIDs", len(v.shards), v.CIDs)
	}
	for i, shard := range v.shards {
		if len(shard.tags) > len(s.Tags) || len(shard.attributes) > len(s.Attributes) || len(shard.events) > len(s.Events) {
			return fmt.Errorf("index: shard %d has fields that the state does not name", i)
		}
		for k, f := range shard.heard {
			count := 0
			if f != nil {
				count = int(f.count)
			}
			if want := v.BlockCIDs(i, k); count != want {
				return fmt.Errorf("index: block %d of shard %d says of %d CIDs when they were first heard of, there are %d", k, i, count, want)
			}
		}
	}
	return v.checkScores()
}

// live returns the keys that a saved generation consists of.
func (ix *Index) live(saved *saved) (map[string]bool, error) {
	live := map[string]bool{}
	st := &saved.state
	if saved.version != nil {
		live[string(stateKey(saved.generation))] = true
	}
	for i, s := range st.Shards {
		live[string(catalogKey(s.Generation, i))] = true
	}
	for _, key := range cidsKeys(st.CIDs) {
		live[string(key)] = true
	}
	for _, r := range st.BatchIDs {
		for part := range r.parts() {
			live[string(r.key(part))] = true
		}
	}
	err := st.eachDictionary(ix.Schema, func(name dictionary, _ *dict.Strings, chunks *[]uint64, _ *int) error {
		for i, generation := range *chunks {
			live[string(name.key(generation, i))] = true
		}
		return nil
	})
	if v := saved.version; v != nil {
		for _, s := range v.shards {
			s.each(func(f anyFrag) { live[string(f.id().bytes(f.stored()))] = true })
		}
	}
	return live, err
}

// sweep deletes keys that a crash has left: of generations that never came into force and of
// those that were replaced.
func (ix *Index) sweep() error {
	live, err := ix.live(&ix.saved)
	if err != nil {
		return err
	}
	var dead [][]byte
	for _, prefix := range allPrefixes {
		err := ix.store.Keys([]byte{byte(prefix)}, func(key []byte, _ int) error {
			if live[string(key)] {
				delete(live, string(key))
			} else {
				dead = append(dead, append([]byte(nil), key...))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for key := range live {
		return fmt.Errorf("index: %x is listed but not there", key)
	}
	return ix.store.Delete(dead)
}
