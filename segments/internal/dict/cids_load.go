package dict

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"whowhen.dev/whowhen/segments/batch"
)

// Load fills an empty dictionary with the CIDs of pieces that AppendPiece made, in their order: read returns piece i, which
// holds counts[i] of them. So many workers call it at once. It is an error if a piece is damaged or a CID comes twice; the
// dictionary cannot be used then. Only Load may be called until it has returned.
func (d *CIDs) Load(counts []int, workers int, read func(piece int) ([]byte, error)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys.n > 0 {
		return errors.New("dict: CIDs are loaded into a dictionary that has some")
	}
	chunks, total, err := chunksOf(counts)
	if err != nil || total == 0 {
		return err
	}
	if total > d.most {
		return ErrFull
	}
	if err := d.keys.reserve(total); err != nil {
		return err
	}
	if err := d.table.prepare(total); err != nil {
		return err
	}
	l := &loader{CIDs: d, counts: counts, chunks: chunks, read: read, filled: make([]atomic.Uint32, len(d.table.parts))}
	if err := share(workers, len(chunks), l.scatter); err != nil {
		return err
	}
	if err := share(workers, len(d.table.parts), l.order); err != nil {
		return err
	}
	d.keys.n, d.table.n = total, total
	return nil
}

// chunksOf returns the first piece of each chunk, and the number of CIDs.
func chunksOf(counts []int) (chunks []int, total int, err error) {
	for i, n := range counts {
		if total%ChunkCIDs == 0 {
			chunks = append(chunks, i)
		}
		if n < 1 || n > len(chunks)*ChunkCIDs-total {
			return nil, 0, fmt.Errorf("dict: piece %d cannot hold %d CIDs after %d others", i, n, total)
		}
		total += n
	}
	return chunks, total, nil
}

// share has workers do jobs until all are done or one fails.
func share(workers, jobs int, work func(jobs iter.Seq[int]) error) error {
	var next atomic.Int64
	var g errgroup.Group
	for range workers {
		g.Go(func() error {
			err := work(func(yield func(int) bool) {
				for {
					if job := next.Add(1) - 1; job >= int64(jobs) || !yield(int(job)) {
						return
					}
				}
			})
			if err != nil {
				next.Store(int64(jobs))
			}
			return err
		})
	}
	return g.Wait()
}

// loader is a dictionary being loaded. First the workers take the pieces, chunk by chunk, and leave an entry for each CID in its
// partition of the table, unordered. Then they take the partitions, and order each while it is in the processor's cache.
type loader struct {
	*CIDs
	counts []int
	chunks []int // first piece of each
	read   func(piece int) ([]byte, error)
	filled []atomic.Uint32 // entries in each partition so far

	textMu sync.Mutex // guards the texts

	overflowMu sync.Mutex
	overflow   []uint64 // entries that did not fit into their partition, which takes many equal hashes
}

// line is how many entries are brought to a partition at once: a cache line, which is then written once.
const line = 8

// waiting are entries on their way to each partition.
type waiting struct {
	slots [][line]uint64
	n     []uint8
}

// scatter takes chunks.
func (l *loader) scatter(jobs iter.Seq[int]) error {
	w := waiting{make([][line]uint64, len(l.table.parts)), make([]uint8, len(l.table.parts))}
	for c := range jobs {
		first, end := l.chunks[c], len(l.counts)
		if c+1 < len(l.chunks) {
			end = l.chunks[c+1]
		}
		ordinal := c * ChunkCIDs
		for i := first; i < end; i++ {
			if err := l.piece(&w, i, ordinal); err != nil {
				return fmt.Errorf("CIDs %d on: %w", ordinal, err)
			}
			ordinal += l.counts[i]
		}
	}
	for part := range w.n {
		l.leave(&w, part)
	}
	return nil
}

// piece puts the keys of a piece in their place, and its entries on their way.
func (l *loader) piece(w *waiting, i, ordinal int) error {
	data, err := l.read(i)
	if err != nil {
		return err
	}
	p, err := decodePiece(data, l.counts[i])
	if err != nil {
		return err
	}
	copy(l.keys.chunks[ordinal/ChunkCIDs].keys[ordinal%ChunkCIDs*batch.PackedBytes:], p.keys)
	if p.opaque != nil {
		if err := l.texts(&p, ordinal); err != nil {
			return err
		}
	}
	texts := p.texts
	for k := range p.n {
		hashed := p.keys[k*batch.PackedBytes : (k+1)*batch.PackedBytes]
		if p.opaque != nil && has(p.opaque, k) {
			hashed, texts = p.text(k, texts)
		}
		hash := uint32(maphash.Bytes(l.seed, hashed)) & l.hashMask
		part := l.table.at(hash)
		n := w.n[part]
		w.slots[part][n%line] = uint64(hash)<<32 | uint64(ordinal+k+1)
		w.n[part] = n + 1
		if n+1 == line {
			l.leave(w, part)
		}
	}
	return nil
}

// texts puts the opaque CIDs of a piece in their place. Meanwhile nobody may look at those of others, which can move.
func (l *loader) texts(p *piece, ordinal int) error {
	l.textMu.Lock()
	defer l.textMu.Unlock()
	rest := p.texts
	for k := range p.n {
		if !has(p.opaque, k) {
			continue
		}
		var text []byte
		text, rest = p.text(k, rest)
		if err := setText(&l.keys, l.keys.at(uint32(ordinal+k)), text); err != nil {
			return err
		}
		if err := l.keys.mark(ordinal + k); err != nil {
			return err
		}
	}
	return nil
}

// leave moves what waits for a partition to it.
func (l *loader) leave(w *waiting, part int) {
	slots, n := l.table.parts[part].slots, uint32(w.n[part])
	w.n[part] = 0
	for {
		at := l.filled[part].Load()
		if int(at+n) > len(slots) {
			l.overflowMu.Lock()
			defer l.overflowMu.Unlock()
			l.overflow = append(l.overflow, w.slots[part][:n]...)
			return
		}
		if l.filled[part].CompareAndSwap(at, at+n) {
			if n == line {
				*(*[line]uint64)(slots[at:]) = w.slots[part]
			} else {
				copy(slots[at:], w.slots[part][:n])
			}
			return
		}
	}
}

// order takes partitions.
func (l *loader) order(jobs iter.Seq[int]) error {
	var entries []uint64
	var next []uint32
	for part := range jobs {
		p := &l.table.parts[part]
		entries = append(entries[:0], p.slots[:l.filled[part].Load()]...)
		for _, slot := range l.overflow {
			if l.table.at(uint32(slot>>32)) == part {
				entries = append(entries, slot)
			}
		}
		clear(p.slots)
		next = slices.Grow(next[:0], int(p.homes))[:p.homes]
		if !p.order(entries, next) {
			// Only by very many equal hashes does one take more than what was made for it.
			for _, slot := range entries {
				if _, err := l.table.place(p, slot); err != nil {
					return err
				}
			}
		}
		if a, b, twice := l.twice(p); twice {
			return fmt.Errorf("dict: the CIDs saved as %d and %d are the same", a, b)
		}
	}
	return nil
}

// twice looks for a CID that a partition has twice: both have the same hash, and so do all between.
func (l *loader) twice(p *part) (a, b uint32, found bool) {
	before := uint64(0)
	for i, slot := range p.slots {
		if slot>>32 != before>>32 || slot == 0 {
			before = slot
			continue
		}
		for k := i - 1; k >= 0 && p.slots[k] != 0 && p.slots[k]>>32 == slot>>32; k-- {
			a, b = uint32(p.slots[k])-1, uint32(slot)-1
			c := cid{key: *l.keys.at(b), opaque: l.keys.isOpaque(b)}
			if c.opaque {
				c.text = string(l.keys.text(&c.key))
			}
			if l.keys.is(a, &c) {
				return a, b, true
			}
		}
	}
	return 0, 0, false
}
