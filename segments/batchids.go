package segments

import (
	"context"
	"crypto/sha256"
	"maps"
	"time"

	"whowhen.dev/whowhen/segments/internal/index"
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
func (a *App) lookup(ctx context.Context, id string, now time.Time) (known *seenBatch, forgot uint64, err error) {
	m := &a.admission
	m.mu.Lock()
	seen, forgot := m.batches[keyOf(id)], m.forgot
	m.mu.Unlock()
	if seen != nil && seen.settled != nil {
		select {
		case <-seen.settled:
		case <-ctx.Done():
			return nil, forgot, ctx.Err()
		}
		m.mu.Lock()
		seen = m.batches[keyOf(id)] // gone when it failed
		m.mu.Unlock()
	}
	if seen == nil {
		stored, known, err := a.index.FindBatchID(keyOf(id))
		if err != nil {
			return nil, forgot, a.indexDamaged(err)
		}
		if !known {
			return nil, forgot, nil
		}
		seen = &seenBatch{content: stored.Content, receivedMillis: stored.ReceivedMillis, position: stored.Position}
	}
	if seen.expired(now.UnixMilli()) {
		return nil, forgot, nil
	}
	return seen, forgot, nil
}

func (s *seenBatch) expired(nowMillis int64) bool {
	return nowMillis-s.receivedMillis > batchIDTTL.Milliseconds()
}

// storable returns the batch ids up to a position, for a checkpoint to store.
func (m *admission) storable(position uint64) []index.BatchID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []index.BatchID
	for key, s := range m.batches {
		if s.position != 0 && s.position <= position {
			ids = append(ids, index.BatchID{Key: key, Content: s.content, Position: s.position, ReceivedMillis: s.receivedMillis})
		}
	}
	return ids
}

// forget drops the batch ids up to a position, which a checkpoint has stored.
func (m *admission) forget(position uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgot++
	maps.DeleteFunc(m.batches, func(_ batchKey, s *seenBatch) bool { return s.position != 0 && s.position <= position })
}
