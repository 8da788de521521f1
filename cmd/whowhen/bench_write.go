package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/bench"
)

// benchWritten is the event that is written; no query asks for it.
const benchWritten = "written"

// writing measures what writes, and ends with the engine being of no use for anything else.
func (r *benchRun) writing(ctx context.Context) error {
	if !r.command.wants(benchWrite, benchLoad, benchMixed) {
		return nil
	}
	if err := r.writable(ctx); err != nil {
		return err
	}
	return r.served(func(a *api) error {
		for _, figure := range []struct {
			name    string
			measure func(context.Context, *api) (bench.Figure, error)
		}{
			{benchMixed, r.mixed}, {benchWrite, r.write}, {benchLoad, r.load},
		} {
			if !r.command.wants(figure.name) {
				continue
			}
			r.notice.show("measuring " + figure.name)
			f, err := figure.measure(ctx, a)
			if err != nil {
				return fmt.Errorf("%s: %w", figure.name, err)
			}
			r.add(f)
		}
		return nil
	}, benchWrite, benchLoad, benchMixed)
}

// batchOf returns events of CIDs that are there, on the last day.
func (r *benchRun) batchOf(random *rand.Rand, events int) *whowhenv1.WriteRequest {
	e := &whowhenv1.EventColumns{Name: benchWritten, Cids: &whowhenv1.CidColumn{}}
	categories := &whowhenv1.StringColumn{Values: r.data.Categories()}
	amounts := &whowhenv1.DecimalColumn{Scale: 2}
	end := r.data.Clock().UnixMilli()
	for range events {
		cid := r.data.CID(random.Uint32N(uint32(r.data.CIDs)))
		e.Cids.Packed = append(e.Cids.Packed, cid[:]...)
		e.TimeUnixMillis = append(e.TimeUnixMillis, end-random.Int64N(12*time.Hour.Milliseconds()))
		categories.Codes = append(categories.Codes, random.Uint32N(uint32(len(categories.Values))))
		amounts.Units = append(amounts.Units, 100+random.Int64N(100_000))
	}
	e.Properties = []*whowhenv1.Column{
		{Name: "category", Kind: &whowhenv1.Column_Strings{Strings: categories}},
		{Name: "amount", Kind: &whowhenv1.Column_Decimals{Decimals: amounts}},
	}
	return &whowhenv1.WriteRequest{EventColumns: []*whowhenv1.EventColumns{e}}
}

// batchesOf returns different batches, seeded.
func (r *benchRun) batchesOf(n, events int) []*whowhenv1.WriteRequest {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], r.data.Seed)
	random := rand.New(rand.NewChaCha8(seed))
	batches := make([]*whowhenv1.WriteRequest, n)
	for i := range batches {
		batches[i] = r.batchOf(random, events)
	}
	return batches
}

// send writes one batch, of which all must be taken.
func (a *api) send(ctx context.Context, batch *whowhenv1.WriteRequest) (position uint64, err error) {
	answer, err := a.ingest.Write(ctx, connect.NewRequest(batch))
	if err != nil {
		return 0, err
	}
	if n := len(answer.Msg.Rejects); n > 0 {
		return 0, fmt.Errorf("%d events were rejected: %s", n, answer.Msg.Rejects[0].Message)
	}
	return answer.Msg.Position, nil
}

// write writes full batches, two at a time, until all of them can be seen.
func (r *benchRun) write(ctx context.Context, a *api) (bench.Figure, error) {
	const events, different, writers = 65_536, 16, 2
	f := bench.Figure{Name: benchWrite, CIDs: r.data.CIDs, Note: fmt.Sprintf("events per second, %d at a time, each batch on disk, until all can be seen", events)}
	batches := r.batchesOf(different, events)
	before, err := r.written()
	if err != nil {
		return f, err
	}
	var mu sync.Mutex
	var samples bench.Samples
	var sent atomic.Uint64
	var last atomic.Uint64
	group, inside := errgroup.WithContext(ctx)
	begun := r.main.Clock.Now()
	for range writers {
		group.Go(func() error {
			for {
				i := sent.Add(1) - 1
				start := r.main.Clock.Now()
				if i >= uint64(r.pace.Rounds) || i >= writers && start.Sub(begun) > r.pace.Budget {
					sent.Add(^uint64(0))
					return nil
				}
				position, err := a.send(inside, batches[i%different])
				if err != nil {
					return err
				}
				took := r.main.Clock.Now().Sub(start)
				mu.Lock()
				samples = append(samples, took)
				last.Store(max(last.Load(), position))
				mu.Unlock()
			}
		})
	}
	if err := group.Wait(); err != nil {
		return f, err
	}
	if err := a.waitUntilVisible(ctx, &Main{}, last.Load()); err != nil {
		return f, err
	}
	took := r.main.Clock.Now().Sub(begun)
	wrote := uint64(len(samples)) * events
	f.Times(samples)
	f.PerSecond = float64(wrote) / took.Seconds()
	return f, r.counted(&f, before, wrote)
}

// counted compares by how many the written events have become more with how many were sent.
func (r *benchRun) counted(f *bench.Figure, before, sent uint64) error {
	after, err := r.written()
	if err != nil {
		return err
	}
	stored := after - before
	f.Result, f.BaselineResult = &stored, &sent
	if stored != sent {
		return fmt.Errorf("%d events were sent, %d are there", sent, stored)
	}
	return nil
}

// written returns how many written events there are.
func (r *benchRun) written() (uint64, error) {
	status, err := r.engine.App().Status()
	if err != nil {
		return 0, err
	}
	for _, e := range status.Events {
		if e.Name == benchWritten {
			return e.Count, nil
		}
	}
	return 0, nil
}

// mixed asks and5 at a steady rate, first in quiet, then while events come in.
func (r *benchRun) mixed(ctx context.Context, a *api) (bench.Figure, error) {
	const eventsPerBatch, batchesPerSecond, different = 20_000, 10, 16
	f := bench.Figure{Name: benchMixed, CIDs: r.data.CIDs}
	batches := r.batchesOf(different, eventsPerBatch)
	before, err := r.written()
	if err != nil {
		return f, err
	}
	quiet, answers, err := r.steadily(ctx, a)
	if err != nil {
		return f, err
	}
	inflow, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan inflowed, 1)
	go func() { ended <- r.inflow(inflow, a, batches, time.Second/batchesPerSecond) }()
	loaded, answersLoaded, err := r.steadily(ctx, a)
	stop()
	in := <-ended
	if err = errors.Join(err, in.err); err == nil {
		err = a.waitUntilVisible(ctx, &Main{}, in.position)
	}
	if err == nil {
		err = r.agree(ctx, answers, answersLoaded)
	}
	if err != nil {
		return f, err
	}
	f.Times(loaded)
	f.QuietP50US = bench.Microseconds(quiet.Quantile(.5))
	f.PerSecond = float64(in.batches*eventsPerBatch) / max(in.took, time.Second/batchesPerSecond).Seconds()
	f.Note = fmt.Sprintf("and5_rpc at %d a second; per second: the events that came in beside it; p99 is %.1f times the quiet p50", queriesPerSecond, f.P99US/f.QuietP50US)
	if err := r.counted(&f, before, uint64(in.batches)*eventsPerBatch); err != nil {
		return f, err
	}
	f.Result, f.BaselineResult = &answers[0], &answers[0]
	return f, nil
}

// inflowed is what came of an inflow.
type inflowed struct {
	batches  int
	position uint64 // of the last
	took     time.Duration
	err      error
}

// inflow writes a batch at every step of time until ctx is done. One that is on its way then is finished, so that what was sent
// is known.
func (r *benchRun) inflow(ctx context.Context, a *api, batches []*whowhenv1.WriteRequest, step time.Duration) (in inflowed) {
	begun := r.main.Clock.Now()
	for {
		if r.until(ctx, begun.Add(time.Duration(in.batches)*step)) != nil {
			return in
		}
		position, err := a.send(context.WithoutCancel(ctx), batches[in.batches%len(batches)])
		if err != nil {
			in.err = err
			return in
		}
		in.position = position
		in.batches++
		in.took = max(r.main.Clock.Now().Sub(begun), time.Duration(in.batches)*step)
	}
}

// queriesPerSecond is the steady rate of questions.
const queriesPerSecond = 100

// steadily asks and5 in many ways over RPC at a steady rate. The time of an answer counts from when it was due to be asked, so
// that one which is late makes those behind it late.
func (r *benchRun) steadily(ctx context.Context, a *api) (samples bench.Samples, answers []uint64, err error) {
	const budgets, least = 2, 10
	begun := r.main.Clock.Now()
	for i := range max(least, int(budgets*r.pace.Budget.Seconds()*queriesPerSecond)) {
		due := begun.Add(time.Duration(i) * time.Second / queriesPerSecond)
		if err := r.until(ctx, due); err != nil {
			return nil, nil, err
		}
		if start := r.main.Clock.Now(); start.Before(due) {
			due = start
		}
		n, err := a.count(ctx, r.data.And5(i).Expression)
		if err != nil {
			return nil, nil, err
		}
		samples, answers = append(samples, r.main.Clock.Now().Sub(due)), append(answers, n)
	}
	return samples, answers, nil
}

// agree compares answers to and5 without and under load, and as many as there are rounds with the library's.
func (r *benchRun) agree(ctx context.Context, quiet, loaded []uint64) error {
	for i, n := range quiet {
		q := r.data.And5(i)
		if n != loaded[i] {
			return fmt.Errorf("%s: %d in quiet, %d under load", q.Expression, n, loaded[i])
		}
		if i >= r.pace.Rounds {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if want := q.Library(r.library); n != want {
			return &bench.DisagreementError{Figure: benchMixed, Query: q.Expression.String(), Ours: n, Librarys: want}
		}
	}
	return nil
}

// until waits until a moment.
func (r *benchRun) until(ctx context.Context, t time.Time) error {
	if wait := t.Sub(r.main.Clock.Now()); wait > 0 {
		return r.main.Clock.Sleep(ctx, wait)
	}
	return ctx.Err()
}
