package segments

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"time"

	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
)

// batchIDTTL is how long a batch_id is known.
const batchIDTTL = 7 * 24 * time.Hour

// batchKey stands for a batch id.
type batchKey [16]byte

func keyOf(id string) batchKey {
	h := sha256.Sum256([]byte(id))
	return batchKey(h[:16])
}

// seenBatch is what is known of a batch that came with an id.
type seenBatch struct {
	content        [32]byte
	receivedMillis int64
	position       uint64        // 0 while in flight
	settled        chan struct{} // closed when it is on disk or has failed; nil when it is on disk
}

// lookup returns what is known of a batch id, waiting for one in flight; nil when it is not known,
// or was too long ago.
// forgot is for admission to see whether a checkpoint has come between.
func (a *App) lookup(id string, now time.Time) (known *seenBatch, forgot uint64, err error) {
	m := &a.admission
	m.mu.Lock()
	seen, forgot := m.batches[keyOf(id)], m.forgot
	m.mu.Unlock()
	if seen != nil && seen.settled != nil {
		<-seen.settled
		m.mu.Lock()
		seen = m.batches[keyOf(id)] // gone when it failed
		m.mu.Unlock()
	}
	if seen == nil {
		data, err := a.store.Get(batchStoreKey(keyOf(id)))
		if errors.Is(err, store.ErrMissing) {
			return nil, forgot, nil
		}
		if err != nil {
			return nil, forgot, a.indexDamaged(fmt.Errorf("batch id: %w", err))
		}
		if seen, err = decodeSeen(data); err != nil {
			return nil, forgot, a.indexDamaged(err)
		}
	}
	if seen.expired(now.UnixMilli()) {
		return nil, forgot, nil
	}
	return seen, forgot, nil
}

func (s *seenBatch) expired(nowMillis int64) bool {
	return nowMillis-s.receivedMillis > batchIDTTL.Milliseconds()
}

func batchStoreKey(k batchKey) []byte { return append([]byte{'b'}, k[:]...) }

func (s *seenBatch) encode() []byte {
	data := append([]byte(nil), s.content[:]...)
	data = binary.BigEndian.AppendUint64(data, s.position)
	return binary.BigEndian.AppendUint64(data, uint64(s.receivedMillis))
}

func decodeSeen(data []byte) (*seenBatch, error) {
	s := &seenBatch{}
	if len(data) != len(s.content)+16 {
		return nil, fmt.Errorf("batch id: %d bytes stored", len(data))
	}
	copy(s.content[:], data)
	s.position = binary.BigEndian.Uint64(data[len(s.content):])
	s.receivedMillis = int64(binary.BigEndian.Uint64(data[len(s.content)+8:]))
	return s, nil
}

// storable returns the batch ids up to a position, for a checkpoint to store.
func (m *admission) storable(position uint64, nowMillis int64) []index.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []index.Key
	for k, s := range m.batches {
		left := batchIDTTL - time.Duration(nowMillis-s.receivedMillis)*time.Millisecond
		if s.position != 0 && s.position <= position && left > time.Second {
			keys = append(keys, index.Key{Key: batchStoreKey(k), Value: s.encode(), TTL: left})
		}
	}
	return keys
}

// forget drops the batch ids up to a position, which a checkpoint has stored.
func (m *admission) forget(position uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgot++
	maps.DeleteFunc(m.batches, func(_ batchKey, s *seenBatch) bool { return s.position != 0 && s.position <= position })
}
