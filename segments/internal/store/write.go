package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

const (
	// pendingBatches bounds the memory of a Writer: each is at most 15 % of a memtable.
	pendingBatches = 4
	// roomStepBytes is how much a Writer asks room for at a time.
	roomStepBytes = 4 << 20
)

// Writer writes new blobs. It serves one goroutine; several Writers may write side by side.
// After an error it returns that error from every call. A Writer that is given up without Flush
// must be cancelled, for as long as it holds something the space of deleted blobs cannot come back.
type Writer struct {
	store *Store
	batch *badger.WriteBatch // nil when nothing is held; with it goes a hold of store.writing
	room  int64              // bytes that Options.Room has agreed to and that are not yet used
	err   error
}

// Writer returns a new Writer, which holds nothing until the first Put.
func (s *Store) Writer() *Writer { return &Writer{store: s} }

// Put writes value under a key that holds nothing yet. Both are copied. Until Flush returns, a
// crash may leave the blob whole, in part (reading it is then damage) or not at all.
func (w *Writer) Put(key, value []byte) error {
	if len(value) <= inlineBytes {
		return w.whole(key, value)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if len(value) > MaxBlobBytes {
		return fmt.Errorf("index key %q: value of %d bytes, at most %d", key, len(value), MaxBlobBytes)
	}
	// The header goes first and its sums depend on the parts: sum them, then frame them. Batches
	// commit in order, so after a crash no part is there without a header that Keys shows.
	h := header{total: uint64(len(value)), parts: uint32((len(value) + partBytes - 1) / partBytes)}
	for part := range h.parts {
		h.sums = addSum(h.sums, frameSum(kindPart, key, part, partOf(value, part)))
	}
	f, _ := frame(kindHeader, key, 0, h.encode())
	if err := w.set(badger.NewEntry(blobKey(key), f)); err != nil {
		return err
	}
	for part := range h.parts {
		f, _ := frame(kindPart, key, part, partOf(value, part))
		if err := w.set(badger.NewEntry(partKey(key, part), f)); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) whole(key, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	f, _ := frame(kindWhole, key, 0, value)
	return w.set(badger.NewEntry(blobKey(key), f))
}

func partOf(value []byte, part uint32) []byte {
	start := int(part) * partBytes
	return value[start:min(start+partBytes, len(value))]
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKeyBytes {
		return fmt.Errorf("index key of %d bytes: 1 to %d", len(key), MaxKeyBytes)
	}
	return nil
}

func (w *Writer) set(e *badger.Entry) error {
	return w.do(func(batch *badger.WriteBatch) error {
		n := int64(len(e.Key) + len(e.Value))
		if w.room < n {
			if err := w.store.room(roomStepBytes + n); err != nil {
				return err
			}
			w.room = roomStepBytes + n
		}
		w.room -= n
		return batch.SetEntry(e)
	})
}

func (w *Writer) delete(key []byte) error {
	return w.do(func(batch *badger.WriteBatch) error { return batch.Delete(key) })
}

func (w *Writer) do(f func(*badger.WriteBatch) error) error {
	if w.err != nil {
		return w.err
	}
	db, err := w.store.acquire()
	if err != nil {
		return err
	}
	defer w.store.release()
	batch := w.batch
	err, gaveUp := w.store.watch.await("write index", func() error {
		if batch == nil {
			w.store.writing.RLock()
			batch = db.NewWriteBatch() // it waits for the commits under way
			batch.SetMaxPendingTxns(pendingBatches)
		}
		return f(batch)
	}, func() { batch.Cancel(); w.store.writing.RUnlock() })
	if gaveUp {
		w.batch, w.err = nil, err // the batch is still in use
		return err
	}
	w.batch = batch
	if err != nil {
		w.err = fmt.Errorf("write index: %w", err)
		if batch != nil {
			batch.Cancel()
			w.end()
		}
	}
	return w.err
}

// end lets go of the batch, which is flushed or cancelled, and with it of store.writing.
func (w *Writer) end() {
	w.batch = nil
	w.store.writing.RUnlock()
}

// Flush returns when all that was put is durable. The Writer can then be used again.
func (w *Writer) Flush() error {
	if w.err != nil || w.batch == nil {
		return w.err
	}
	err := w.do((*badger.WriteBatch).Flush)
	if err == nil {
		w.end()
	}
	return err
}

// Cancel gives up what was put since the last Flush; some of it may be on disk already. It does
// nothing after Flush, so it can be deferred.
func (w *Writer) Cancel() {
	if w.batch == nil {
		return
	}
	if _, err := w.store.acquire(); err != nil {
		w.end()
		return // Close ended the batch with everything else.
	}
	defer w.store.release()
	w.batch.Cancel()
	w.end()
}

// SetManifest replaces the manifest by one of at most MaxManifestBytes. On return it is durable;
// after a crash before, the manifest is the old one or the new one. Flush the blobs it
// lists first.
func (s *Store) SetManifest(value []byte) error {
	if len(value) > MaxManifestBytes {
		return fmt.Errorf("index manifest of %d bytes, at most %d", len(value), MaxManifestBytes)
	}
	db, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release()
	f, _ := frame(kindManifest, manifestName, 0, value)
	if err := s.room(int64(len(f))); err != nil {
		return fmt.Errorf("write index manifest: %w", err)
	}
	err, _ = s.watch.await("write index manifest", func() error {
		s.writing.RLock()
		defer s.writing.RUnlock()
		return db.Update(func(txn *badger.Txn) error { return txn.Set([]byte{slotManifest}, f) })
	}, func() {})
	if err != nil {
		return fmt.Errorf("write index manifest: %w", err)
	}
	return nil
}

// Delete removes blobs; those that are not there are passed over. It is not atomic: after an error
// or a crash some are gone, and calling it again removes the rest. Room is not asked, as
// deleting is how room is made.
func (s *Store) Delete(keys [][]byte) error {
	w := s.Writer()
	defer w.Cancel()
	for _, key := range keys {
		parts, err := s.partsOf(key)
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return err
		}
		// The header goes last, so that after a crash Keys still shows what is left.
		for _, part := range parts {
			if err := w.delete(part); err != nil {
				return err
			}
		}
		if err := w.delete(blobKey(key)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// partsOf returns the keys of a blob's parts. It looks for them when the header is damaged.
func (s *Store) partsOf(key []byte) ([][]byte, error) {
	var parts [][]byte
	err := s.view(key, func(txn *badger.Txn) error {
		k, payload, err := getBlob(txn, key)
		if err != nil || k == kindWhole {
			return err
		}
		h, err := decodeHeader(payload)
		if err != nil {
			return damage(key, "%v", err)
		}
		for part := range h.parts {
			parts = append(parts, partKey(key, part))
		}
		return nil
	})
	var damaged *DamageError
	if !errors.As(err, &damaged) {
		return parts, err
	}
	err = s.view(key, func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		o.Prefix = append([]byte{slotPart}, key...)
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if len(it.Item().Key()) == len(o.Prefix)+4 {
				parts = append(parts, it.Item().KeyCopy(nil))
			}
		}
		return nil
	})
	return parts, err
}
