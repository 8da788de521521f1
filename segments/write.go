package segments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// maxPayloadBytes is the largest encoded batch: one frame of the log.
const maxPayloadBytes = 64 << 20

// pending is a batch on its way from Write to the index.
type pending struct {
	batch  *batch.Batch
	weight int64 // in the queue
	// accepted is how many of the records are left after admission.
	accepted int
	seen     *seenBatch
	forgot   uint64                // admission's count when the batch id was looked up
	brought  map[string]value.Kind // types of attributes that the batch is the first to set
	before   index.Load            // what was known of the batch's load
	settled  chan struct{}         // closed when the batch is on disk or has failed

	encoded  chan struct{} // closed when payload is there
	payload  []byte
	position uint64
	done     chan error // takes the outcome of the log
}

// Write checks a batch, appends the good records to the log and returns when they are on disk. Bad ones
// are rejected one by one. It waits while the app holds too many records that
// are not visible yet.
//
// When ctx ends meanwhile, the batch may or may not be written; a BatchID makes a retry safe.
func (a *App) Write(ctx context.Context, w WriteRequest) (WriteResult, error) {
	for {
		result, err := a.write(ctx, w)
		if !errors.Is(err, errRepeated) {
			return result, err
		}
		// The same batch_id came twice at once; by now the other one is known.
	}
}

func (a *App) write(ctx context.Context, w WriteRequest) (WriteResult, error) {
	now, forgot := a.options.Clock(), uint64(0)
	if w.BatchID != "" {
		var seen *seenBatch
		var err error
		seen, forgot, err = a.lookup(ctx, w.BatchID, now)
		if err != nil {
			return WriteResult{}, err
		}
		if seen != nil {
			return a.repeat(w, seen)
		}
	}
	if err := a.whyBroken(); err != nil {
		return WriteResult{}, err
	}
	if err := a.whyUnsaved(); err != nil && a.index.DirtyBytes() > a.options.CheckpointBytes {
		// What cannot be saved must stay in memory, which is not to fill up in the disk's place.
		return WriteResult{}, err
	}
	b, size, rejects, err := build(w, now)
	if err != nil {
		return WriteResult{}, err
	}
	if w.ValidateOnly {
		more := a.wouldReject(b, inFlight)
		return WriteResult{Position: a.wal.Last(), Accepted: b.Records(), Rejects: byIndex(rejects, more)}, nil
	}
	if b.Records() == 0 && b.ID == "" && b.Load == nil {
		return WriteResult{Position: a.wal.Last(), Rejects: byIndex(rejects, nil)}, nil
	}
	if b.Load != nil {
		b.Load.Rejected += uint64(len(rejects))
	}
	p, more, err := a.sendSized(ctx, b, size, forgot)
	if err != nil {
		return WriteResult{}, err
	}
	return WriteResult{Position: p.position, Accepted: p.accepted, Rejects: byIndex(rejects, more)}, nil
}

// send puts a batch into the log and returns when it is on disk, with the records that were taken out of it.
func (a *App) send(ctx context.Context, b *batch.Batch, forgot uint64) (*pending, []batch.Reject, error) {
	return a.sendSized(ctx, b, b.EncodedBound(), forgot)
}

// sendSized is send for a batch that is known to take so many bytes in the log at most.
func (a *App) sendSized(ctx context.Context, b *batch.Batch, size int, forgot uint64) (*pending, []batch.Reject, error) {
	if err := a.disk.room(int64(size)); err != nil {
		if !a.refusing.Swap(true) {
			a.logger.Warn("writes are refused", "cause", err)
		}
		return nil, nil, err
	}
	if a.refusing.Load() && a.refusing.Swap(false) {
		a.logger.Info("writes are taken again")
	}
	p := &pending{batch: b, forgot: forgot, weight: a.weight(b, size), encoded: make(chan struct{}), settled: make(chan struct{}), done: make(chan error, 1)}
	if err := a.room.Acquire(ctx, p.weight); err != nil {
		return nil, nil, err
	}
	rejects, err := a.admission.admit(p, a.commits)
	if err != nil {
		a.room.Release(p.weight)
		return nil, nil, err
	}
	p.accepted = b.Records()
	p.encode(size)
	select {
	case err = <-p.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return p, rejects, err
}

// weight is how much of the queue a batch takes: its records, or more where they are large.
func (a *App) weight(b *batch.Batch, size int) int64 {
	const recordBytes = 256
	return int64(min(max(1, b.Records(), size/recordBytes), a.options.QueueRecords))
}

// encode makes the payload. The committer waits for it, whatever happens here.
func (p *pending) encode(size int) {
	defer close(p.encoded)
	p.payload = p.batch.AppendTo(make([]byte, 0, size))
}

// build has the caller give its records, and checks what a batch must be as a whole. It takes size bytes in the log at most.
func build(w WriteRequest, received time.Time) (b *batch.Batch, size int, rejects []batch.Reject, err error) {
	builder := batch.NewBuilder(received)
	if err := w.Build(builder); err != nil {
		return nil, 0, nil, err
	}
	b, rejects = builder.Finish()
	if n := b.Records(); n > batch.MaxRecords {
		return nil, 0, nil, &Error{Reason: BatchTooLarge, Message: fmt.Sprintf("the batch has %d records, at most %d are taken; split it", n, batch.MaxRecords)}
	}
	b.ID, b.Content = w.BatchID, w.Content
	if w.Load != nil {
		own := *w.Load
		b.Load = &own
	}
	if size = b.EncodedBound(); size > maxPayloadBytes {
		return nil, 0, nil, &Error{Reason: BatchTooLarge, Message: fmt.Sprintf("the batch takes up to %d MiB in the log, at most %d are taken; split it", size>>20, maxPayloadBytes>>20)}
	}
	return b, size, rejects, nil
}

// repeat answers a batch that has been written before, as it was answered then: what the checks depend on
// besides the batch is the moment it came and the types that attributes had by then, and both are known.
func (a *App) repeat(w WriteRequest, seen *seenBatch) (WriteResult, error) {
	if seen.content != w.Content {
		return WriteResult{}, &Error{Reason: BatchIDReused, Field: "batch_id",
			Message: fmt.Sprintf("batch_id %.60q came before with other content, at position %d; give each batch its own", w.BatchID, seen.position)}
	}
	b, _, rejects, err := build(w, time.UnixMilli(seen.receivedMillis))
	if err != nil {
		return WriteResult{}, err
	}
	more := a.wouldReject(b, seen.position)
	return WriteResult{Position: seen.position, Accepted: b.Records(), Rejects: byIndex(rejects, more), Repeated: true}, nil
}

// wouldReject takes out the records that admission would have at a position, and returns them.
func (a *App) wouldReject(b *batch.Batch, position uint64) []batch.Reject {
	a.admission.mu.Lock()
	defer a.admission.mu.Unlock()
	rejects, _ := a.admission.checkTypes(b, position)
	return rejects
}

func byIndex(a, b []batch.Reject) []batch.Reject {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y batch.Reject) int { return cmp.Compare(x.Index, y.Index) })
	return all
}

// Load says how far a bulk load has come on disk. It waits for batches in flight.
func (a *App) Load(id string) LoadState {
	m := &a.admission
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := m.flights[id]; p != nil; p = m.flights[id] {
		m.mu.Unlock()
		<-p.settled
		m.mu.Lock()
	}
	l := m.loads[id]
	return LoadState{NextRow: l.NextRow, Finished: l.Finished, Accepted: l.Accepted, Rejected: l.Rejected, Skipped: l.Skipped, Position: a.wal.Last()}
}
