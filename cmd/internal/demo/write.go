package demo

import (
	"context"
	"fmt"
	"iter"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// writer writes batches as the rows of one load, in order, leaving out those that an
// earlier run has written.
type writer struct {
	ingest   whowhenv1connect.IngestServiceClient
	app      string
	loadID   string
	skip     uint64 // rows that are written already
	progress func(written, all uint64)

	written, all uint64
	position     uint64 // of the latest batch
}

func (wr *writer) writeAll(ctx context.Context, w *world) error {
	tags := w.tags(seed)
	wr.all = w.records(tags)

	// One batch is put into columns while the one before it is being written.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	made := make(chan batch, 1)
	go func() {
		defer close(made)
		for b := range w.batches(tags) {
			select {
			case made <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	for b := range made {
		if err := wr.write(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (wr *writer) write(ctx context.Context, b batch) error {
	first := wr.written
	wr.written += uint64(b.rows)
	if wr.written <= wr.skip {
		return nil
	}
	answer, err := wr.ingest.Write(ctx, connect.NewRequest(&whowhenv1.WriteRequest{
		App: wr.app, EventColumns: b.events, TagColumns: b.tags, ProfileColumns: b.profiles,
		Load: &whowhenv1.LoadRows{LoadId: wr.loadID, FirstRow: first, Rows: uint64(b.rows), Last: wr.written == wr.all},
	}))
	if err != nil {
		return err
	}
	if rejects := answer.Msg.Rejects; len(rejects) > 0 {
		return fmt.Errorf("the sample app was not taken: %d records rejected, the first for %s: %s", len(rejects), rejects[0].Reason, rejects[0].Message)
	}
	wr.position = answer.Msg.Position
	if wr.progress != nil {
		wr.progress(wr.written, wr.all)
	}
	return nil
}

// records returns how many rows batches holds.
func (w *world) records(tags []tagged) uint64 {
	n := len(w.people)
	for _, parts := range w.byDay {
		for _, part := range parts {
			n += len(part)
		}
	}
	for _, t := range tags {
		n += len(t.people)
	}
	return uint64(n)
}

// batches yields people, then events by day, with the tags before the last day. The last
// day is one batch, whatever its size, and the only one that depends on the hour: so
// a run that was interrupted can be completed later.
func (w *world) batches(tags []tagged) iter.Seq[batch] {
	return func(yield func(batch) bool) {
		all := func(batches []batch) bool {
			for _, b := range batches {
				if !yield(b) {
					return false
				}
			}
			return true
		}
		if !all(w.profileBatches()) {
			return
		}
		last := w.days - 1
		for day := range last {
			if !all(w.eventBatches(day, rowsPerBatch)) {
				return
			}
		}
		for _, t := range tags {
			if !all(w.tagBatches(t)) {
				return
			}
		}
		all(w.eventBatches(last, 1<<30))
	}
}

// profileBatches describes all people, those with packed CIDs before those with names.
func (w *world) profileBatches() []batch {
	var sorted [2][]int32
	for i := range w.people {
		named := 0
		if w.people[i].name != "" {
			named = 1
		}
		sorted[named] = append(sorted[named], int32(i))
	}
	var batches []batch
	for _, people := range sorted {
		for from := 0; from < len(people); from += rowsPerBatch {
			batches = append(batches, w.profileBatch(people[from:min(from+rowsPerBatch, len(people))]))
		}
	}
	return batches
}
