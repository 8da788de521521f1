package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/dgraph-io/badger/v4"
)

// Get returns a copy of the blob under key, whole and checked. It returns ErrMissing, wrapped, when
// there is none, and a *DamageError when anything about it is not as it was written.
func (s *Store) Get(key []byte) ([]byte, error) {
	var value []byte
	err := s.view(key, func(txn *badger.Txn) error {
		k, payload, err := getBlob(txn, key)
		if err != nil || k == kindWhole {
			value = payload
			return err
		}
		value, err = joinParts(txn, key, payload)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// View calls f with the blob under key, whole and checked, which is f's only until it returns, and returns f's error. Otherwise it fails as
// Get does. f must not call the Store. It takes one copy of the blob less than Get, unless the blob is larger than a part.
func (s *Store) View(key []byte, f func(value []byte) error) error {
	var failed error
	err := s.view(key, func(txn *badger.Txn) error {
		k, head, err := getBlob(txn, key)
		if err != nil {
			return err
		}
		if k == kindWhole {
			failed = f(head)
			return nil
		}
		h, err := decodeHeader(head)
		if err != nil {
			return damage(key, "%v", err)
		}
		if h.parts > 1 {
			value, err := joinParts(txn, key, head)
			if err == nil {
				failed = f(value)
			}
			return err
		}
		item, err := find(txn, partKey(key, 0), key)
		if errors.Is(err, ErrMissing) {
			return damage(key, "its only part is missing")
		}
		if err != nil {
			return err
		}
		return inFrame(item, key, func(frame []byte) error {
			// The value of an item is a copy that nobody else has.
			k, payload, sum, err := checkFrame(frame, key, 0)
			switch {
			case err != nil:
				return damage(key, "part 0: %v", err)
			case k != kindPart || uint64(len(payload)) != h.total:
				return damage(key, "frame of kind %d and %d bytes where its only part of %d should be", k, len(payload), h.total)
			case addSum(0, sum) != h.sums:
				return damage(key, "its part was not written with it")
			}
			failed = f(payload)
			return nil
		})
	})
	if failed != nil {
		return failed
	}
	return err
}

// Manifest returns the manifest, or ErrMissing, wrapped, when none was ever set.
func (s *Store) Manifest() ([]byte, error) {
	var value []byte
	err := s.view(manifestName, func(txn *badger.Txn) error {
		k, payload, _, err := getFrame(txn, nil, []byte{slotManifest}, manifestName, 0)
		if err == nil && k != kindManifest {
			err = damage(manifestName, "frame of kind %d where the manifest should be", k)
		}
		value = payload
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// Keys calls f with each blob's key, in order, and its size, for the keys that begin with prefix.
// It stops at f's first error and returns it. The key is f's only until it returns, and f must
// not call the Store. Blobs in damaged tables may be left out without an error: Keys serves
// to find what the manifest does not list, and cannot tell what is missing.
func (s *Store) Keys(prefix []byte, f func(key []byte, bytes int) error) error {
	var stop error
	err := s.view(prefix, func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues = false
		o.Prefix = blobKey(prefix)
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().Key()[1:]
			size, err := blobBytes(it.Item(), key)
			if err != nil {
				return err
			}
			if stop = f(key, size); stop != nil {
				return nil
			}
		}
		return nil
	})
	if stop != nil {
		return stop
	}
	return err
}

func blobBytes(item *badger.Item, key []byte) (size int, err error) {
	err = item.Value(func(f []byte) error {
		k, payload, _, err := appendPayload(nil, f, key, 0)
		switch {
		case err != nil:
			return damage(key, "%v", err)
		case k == kindWhole:
			size = len(payload)
			return nil
		case k != kindHeader:
			return damage(key, "frame of kind %d where a blob should be", k)
		}
		h, err := decodeHeader(payload)
		if err != nil {
			return damage(key, "%v", err)
		}
		size = int(h.total)
		return nil
	})
	return size, err
}

// view runs f in a read transaction. A panic or a memory fault in f, as Badger has on damaged
// tables and unreadable disks, becomes a DamageError about key.
func (s *Store) view(key []byte, f func(*badger.Txn) error) (err error) {
	db, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if err = s.watch.unreadable(); err == nil {
				err = damage(key, "Badger panics: %v", p)
			}
		}
	}()
	txn, err := s.watch.reading(db)
	if err != nil {
		return err
	}
	defer txn.Discard()
	return f(txn)
}

// getBlob returns the entry of a blob: of kindWhole or kindHeader.
func getBlob(txn *badger.Txn, key []byte) (kind, []byte, error) {
	k, payload, _, err := getFrame(txn, nil, blobKey(key), key, 0)
	if err == nil && k != kindWhole && k != kindHeader {
		err = damage(key, "frame of kind %d where a blob should be", k)
	}
	return k, payload, err
}

func joinParts(txn *badger.Txn, key, head []byte) ([]byte, error) {
	h, err := decodeHeader(head)
	if err != nil {
		return nil, damage(key, "%v", err)
	}
	value := make([]byte, 0, h.total)
	var sums uint32
	for part := range h.parts {
		var k kind
		var sum uint32
		before := len(value)
		k, value, sum, err = getFrame(txn, value, partKey(key, part), key, part)
		switch {
		case errors.Is(err, ErrMissing):
			return nil, damage(key, "part %d of %d is missing", part, h.parts)
		case err != nil:
			return nil, err
		case k != kindPart:
			return nil, damage(key, "frame of kind %d where part %d should be", k, part)
		case len(value)-before != min(partBytes, int(h.total)-before):
			return nil, damage(key, "part %d has %d bytes", part, len(value)-before)
		}
		sums = addSum(sums, sum)
	}
	if sums != h.sums {
		return nil, damage(key, "its parts were not written together")
	}
	return value, nil
}

// getFrame appends the payload of the entry at slot to dst; key and part are what its checksum covers.
func getFrame(txn *badger.Txn, dst, slot, key []byte, part uint32) (k kind, payload []byte, sum uint32, err error) {
	item, err := find(txn, slot, key)
	if err != nil {
		return 0, nil, 0, err
	}
	err = inFrame(item, key, func(f []byte) error {
		if dst == nil {
			dst = make([]byte, 0, max(0, len(f)-frameHeadBytes))
		}
		k, dst, sum, err = appendPayload(dst, f, key, part)
		if err != nil && part > 0 {
			return damage(key, "part %d: %v", part, err)
		}
		if err != nil {
			return damage(key, "%v", err)
		}
		return nil
	})
	return k, dst, sum, err
}

func find(txn *badger.Txn, slot, key []byte) (*badger.Item, error) {
	item, err := txn.Get(slot)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, fmt.Errorf("key %q: %w", key, ErrMissing)
	}
	if err != nil {
		return nil, damage(key, "%v", err)
	}
	return item, nil
}

// inFrame calls f with an item's value. What keeps Badger from reading it is damage.
func inFrame(item *badger.Item, key []byte, f func(frame []byte) error) error {
	err := item.Value(f)
	var known *DamageError
	if err != nil && !errors.As(err, &known) {
		err = damage(key, "%v", err)
	}
	return err
}

func damage(key []byte, format string, args ...any) *DamageError {
	return &DamageError{Key: append([]byte{}, key...), Reason: fmt.Sprintf(format, args...)}
}
