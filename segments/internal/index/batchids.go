package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// BatchID is what is kept of a batch that came with an id.
type BatchID struct {
	Key            [16]byte // stands for the id: evenly spread, as a hash is
	Content        [32]byte
	Position       uint64
	ReceivedMillis int64
}

const batchIDBytes = 16 + 32 + 8 + 8

// batchRun is a list of batch ids in the store, sorted by key, and cut into 2^Bits blobs by the first bits of the
// key, some empty. The state lists runs, the oldest first, each at least twice as long as the next. So there are few to
// look in, each id is rewritten a logarithmic number of times, and one that is missing is known to be missing
// from the store rather than taken for one that never came.
type batchRun struct {
	Generation   uint64 `json:"generation"`
	Bits         uint8  `json:"bits"`
	Count        int    `json:"count"`
	NewestMillis int64  `json:"newest_millis"`
}

// batchBlobIDs is how many ids a blob holds, about.
const batchBlobIDs = 512

// maxBatchIDBits bounds the number of blobs of a run.
const maxBatchIDBits = 20

func (r *batchRun) parts() uint32 { return 1 << r.Bits }

func (r *batchRun) key(part uint32) []byte { return storeKey('b', r.Generation, part) }

func (r *batchRun) part(key [16]byte) uint32 {
	return binary.BigEndian.Uint32(key[:]) >> 1 >> (31 - r.Bits)
}

// FindBatchID returns what a checkpoint stored of the batch id with a key, and whether it did.
func (ix *Index) FindBatchID(key [16]byte) (found BatchID, known bool, err error) {
	ix.mu.Lock()
	runs, sequence := ix.saved.state.BatchIDs, ix.saved.sequence
	ix.pins[sequence]++ // so that what is read stays
	ix.mu.Unlock()
	defer ix.unpin(sequence)
	for _, r := range slices.Backward(runs) {
		ids, err := ix.readBatchIDs(&r, r.part(key))
		if err != nil {
			return BatchID{}, false, err
		}
		i := sort.Search(len(ids)/batchIDBytes, func(i int) bool { return bytes.Compare(ids[i*batchIDBytes:][:16], key[:]) >= 0 })
		if i < len(ids)/batchIDBytes && bytes.Equal(ids[i*batchIDBytes:][:16], key[:]) {
			return decodeBatchID(ids[i*batchIDBytes:]), true, nil
		}
	}
	return BatchID{}, false, nil
}

func (ix *Index) readBatchIDs(r *batchRun, part uint32) ([]byte, error) {
	data, err := ix.store.Get(r.key(part))
	if err != nil {
		return nil, fmt.Errorf("batch ids: %w", err)
	}
	if len(data)%batchIDBytes != 0 {
		return nil, fmt.Errorf("batch ids: blob %d of generation %d has %d bytes", part, r.Generation, len(data))
	}
	return data, nil
}

func decodeBatchID(data []byte) (b BatchID) {
	copy(b.Key[:], data)
	copy(b.Content[:], data[16:])
	b.Position = binary.BigEndian.Uint64(data[48:])
	b.ReceivedMillis = int64(binary.BigEndian.Uint64(data[56:]))
	return b
}

func (b *BatchID) appendTo(buf []byte) []byte {
	buf = append(append(buf, b.Key[:]...), b.Content[:]...)
	buf = binary.BigEndian.AppendUint64(buf, b.Position)
	return binary.BigEndian.AppendUint64(buf, uint64(b.ReceivedMillis))
}

// batchIDs writes new ids, together with those of shorter runs, and drops what was received before a moment.
func (c *checkpoint) batchIDs(fresh []BatchID, forgetBeforeMillis int64) error {
	var runs []batchRun
	drop := func(r *batchRun) {
		for part := range r.parts() {
			c.replaced = append(c.replaced, r.key(part))
		}
	}
	for _, r := range c.index.saved.state.BatchIDs {
		if r.NewestMillis < forgetBeforeMillis {
			drop(&r)
		} else {
			runs = append(runs, r)
		}
	}
	c.state.BatchIDs = runs
	if len(fresh) == 0 {
		return nil
	}
	for len(runs) > 0 && runs[len(runs)-1].Count < 2*len(fresh) {
		r := &runs[len(runs)-1]
		for part := range r.parts() {
			ids, err := c.index.readBatchIDs(r, part)
			if err != nil {
				return err
			}
			for ; len(ids) > 0; ids = ids[batchIDBytes:] {
				if b := decodeBatchID(ids); b.ReceivedMillis >= forgetBeforeMillis {
					fresh = append(fresh, b)
				}
			}
		}
		drop(r)
		runs = runs[:len(runs)-1]
	}
	run, err := c.writeBatchIDs(fresh)
	c.state.BatchIDs = append(runs, run)
	return err
}

func (c *checkpoint) writeBatchIDs(ids []BatchID) (batchRun, error) {
	// Of one id that came again after it had been forgotten, the later counts.
	slices.SortFunc(ids, func(a, b BatchID) int {
		return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(b.Position, a.Position))
	})
	ids = slices.CompactFunc(ids, func(a, b BatchID) bool { return a.Key == b.Key })
	run := batchRun{Generation: c.generation, Count: len(ids)}
	for len(ids)>>run.Bits > batchBlobIDs && run.Bits < maxBatchIDBits {
		run.Bits++
	}
	for part := range run.parts() {
		c.buf = c.buf[:0]
		for len(ids) > 0 && run.part(ids[0].Key) == part {
			run.NewestMillis = max(run.NewestMillis, ids[0].ReceivedMillis)
			c.buf = ids[0].appendTo(c.buf)
			ids = ids[1:]
		}
		if err := c.writer.Put(run.key(part), bytes.Clone(c.buf)); err != nil {
			return run, err
		}
	}
	return run, nil
}

// verifyBatchIDs holds the runs against what is said of them.
func (ix *Index) verifyBatchIDs(found func(problem string)) {
	for _, r := range ix.saved.state.BatchIDs {
		count, last := 0, []byte(nil)
		for part := range r.parts() {
			ids, err := ix.readBatchIDs(&r, part)
			if err != nil {
				found(err.Error())
				continue
			}
			for ; len(ids) > 0; ids = ids[batchIDBytes:] {
				b := decodeBatchID(ids)
				if bytes.Compare(last, b.Key[:]) >= 0 || r.part(b.Key) != part {
					found(fmt.Sprintf("batch ids: blob %d of generation %d is out of order", part, r.Generation))
				}
				if b.Position > ix.saved.version.Position || b.Position == 0 {
					found(fmt.Sprintf("batch ids: one is said to be at position %d, the index is at %d", b.Position, ix.saved.version.Position))
				}
				count, last = count+1, b.Key[:]
			}
		}
		if count != r.Count {
			found(fmt.Sprintf("batch ids: generation %d has %d, the state says %d", r.Generation, count, r.Count))
		}
	}
}
