package load

import (
	"context"
	"fmt"
	"io"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// load sends the rows of one file that the server does not have yet.
func (r *run) load(ctx context.Context, f *file) error {
	r.summary.Files = append(r.summary.Files, FileSummary{Path: f.source.name, LoadID: loadID(r.plan, f.format, f.sum)})
	sum := &r.summary.Files[len(r.summary.Files)-1]
	before := r.read.Load()
	if f.rows == 0 {
		return nil
	}
	s := r.sender(sum.LoadID)
	state, err := s.state(ctx)
	if err != nil {
		return fmt.Errorf("%s: asking how far it is loaded: %w", f.source.name, err)
	}
	sum.Earlier, sum.Position, sum.AlreadyLoaded = earlier(state), state.Position, state.Finished
	r.summary.Earlier.add(sum.Earlier)
	r.summary.Position = max(r.summary.Position, state.Position)
	if state.Finished {
		r.read.Store(before + f.source.size)
		r.progress.BytesRead = r.read.Load()
		r.tell()
		return nil
	}
	s.accepted = state.Accepted

	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan *pending, 1)
	parsed := make(chan error, 1)
	go func() {
		defer close(batches)
		parsed <- r.parse(ctx, f, sum.LoadID, state.NextRow, batches)
	}()
	err = r.sendAll(ctx, f, s, sum, batches)
	cancel()
	for range batches { // lets the parser see that nobody waits any more
	}
	if parseErr := <-parsed; err == nil {
		err = parseErr
	}
	return err
}

func (r *run) sender(loadID string) *sender {
	return &sender{client: r.client, clock: r.job.Clock, app: r.job.App, loadID: loadID, retrying: func(err error) {
		r.progress.Retrying = err
		r.tell()
		r.progress.Retrying = nil
	}}
}

func earlier(state *whowhenv1.GetLoadResponse) Counts {
	c := Counts{Rows: state.NextRow, Accepted: state.Accepted, Skipped: state.SkippedRows}
	c.Rejected = c.Rows - min(c.Rows, c.Accepted+c.Skipped)
	return c
}

// parse reads the file's rows from firstRow on into batches.
func (r *run) parse(ctx context.Context, f *file, loadID string, firstRow uint64, batches chan<- *pending) error {
	rows, in, done, err := r.open(ctx, f)
	if err != nil {
		return err
	}
	defer done()
	names := f.columns
	if f.format == CSV {
		names = rows.columns()
	}
	s := newShaper(r.plan, names)
	b := newBatcher(r.plan, loadID, firstRow)
	emit := func(last bool) error {
		batch := b.finish(last)
		batch.bytes = r.read.Load()
		select {
		case batches <- batch:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for number := uint64(0); ; number++ {
		rec, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return inFile(f, err)
		}
		if number < firstRow {
			continue
		}
		if b.full() {
			if err := emit(false); err != nil {
				return err
			}
		}
		what, fault := s.shape(rec)
		b.take(rec, what, fault, &s.row)
	}
	if in.hash() != f.sum {
		return fmt.Errorf("%s changed while it was being loaded; the rows sent so far stay, and what it is now counts as another file", f.source.name)
	}
	return emit(true)
}

// sendAll sends the batches in order and keeps the books. What the loader rejects of a batch is written before it
// is sent: a run that continues behind the batch does not see those rows again.
func (r *run) sendAll(ctx context.Context, f *file, s *sender, sum *FileSummary, batches <-chan *pending) error {
	var names []string
	if f.format == CSV {
		names = f.columns
	}
	for b := range batches {
		rejects := make([]reject, 0, len(b.rejects))
		for _, own := range b.rejects {
			rejects = append(rejects, reject{b.kept[own.place], b.record(own.place), own.fault.field, own.fault.reason, own.fault.message})
		}
		if err := r.rejects.write(f.source.name, names, rejects); err != nil {
			return err
		}
		a, err := s.send(ctx, b)
		if err != nil {
			if ctx.Err() != nil || unanswered(err) {
				r.summary.Unanswered = uint64(len(b.order))
				return fmt.Errorf("%s: no answer came to rows %d to %d: %w", f.source.name, b.firstRow+1, b.firstRow+b.rows, err)
			}
			return fmt.Errorf("%s: rows %d to %d were not taken: %w", f.source.name, b.firstRow+1, b.firstRow+b.rows, err)
		}
		own := len(rejects)
		for _, theirs := range a.rejects {
			if int(theirs.Index) >= len(b.order) {
				return fmt.Errorf("%s: the server rejected record %d of a batch of %d", f.source.name, theirs.Index, len(b.order))
			}
			place := b.order[theirs.Index]
			rejects = append(rejects, reject{b.kept[place], b.record(place), theirs.Field, theirs.Reason, theirs.Message})
		}
		if err := r.rejects.write(f.source.name, names, rejects[own:]); err != nil {
			return err
		}
		for i := range rejects {
			r.summary.RejectedBy[rejects[i].reason]++
		}
		if a.lost > 0 {
			r.summary.RejectedBy[reasonLost] += a.lost
			r.plan.warn("%s: the server rejected %d of rows %d to %d, but its answer with the reasons got lost", f.source.name, a.lost, b.firstRow+1, b.firstRow+b.rows)
		}
		counts := Counts{Rows: b.rows, Accepted: a.accepted, Skipped: b.skipped, Rejected: uint64(len(rejects)) + a.lost}
		sum.Counts.add(counts)
		r.summary.Counts.add(counts)
		sum.Position = a.position
		r.summary.Position = max(r.summary.Position, a.position)
		r.progress.Rows += b.rows
		r.progress.Rejected += counts.Rejected
		r.progress.Skipped += b.skipped
		r.progress.BytesRead = b.bytes
		r.tell()
	}
	return nil
}
