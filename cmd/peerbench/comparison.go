package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/bench"
)

// The data is the same in every run.
const (
	dataSeed    = 1
	dataLastDay = 20_700 // 2026-09-04
)

// comparison is one run of the program.
type comparison struct {
	options options
	say     func(format string, args ...any)
	now     func() time.Time

	contenders  []*contender
	skipped     []skipped
	figures     []figure
	loadAverage *float64 // before it began
}

// contender is an engine that takes part.
type contender struct {
	name   string
	what   string
	engine engine
}

// skipped is an engine that takes no part.
type skipped struct {
	Engine string `json:"engine"`
	Reason string `json:"reason"`
}

func (c *comparison) run(ctx context.Context) error {
	c.loadAverage = loadAverage()
	d := bench.Dataset{CIDs: c.options.cids, Seed: dataSeed, LastDay: dataLastDay}
	for _, name := range engineNames() {
		if slices.Contains(c.options.engines, name) {
			if err := c.load(ctx, name, d); err != nil {
				return err
			}
		}
	}
	if len(c.contenders) == 0 {
		return fmt.Errorf("there is no engine to ask")
	}
	for _, name := range figureNames() {
		if !slices.Contains(c.options.figures, name) {
			continue
		}
		c.say("%s: taking the answers off the data", name)
		asked, err := questions(d, name)
		if err != nil {
			return err
		}
		if err := c.measure(ctx, name, asked); err != nil {
			return err
		}
	}
	return nil
}

// load makes an engine and loads it.
func (c *comparison) load(ctx context.Context, name string, d bench.Dataset) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.say("%s: loading", name)
	begun := c.now()
	e := newEngine(name)
	what, err := e.load(ctx, d)
	switch {
	case errors.Is(err, errNotInstalled):
		c.say("%s: skipped: %v", name, err)
		c.skipped = append(c.skipped, skipped{name, err.Error()})
		return e.close()
	case err != nil:
		return fmt.Errorf("loading %s: %w", name, errors.Join(err, e.close()))
	}
	c.contenders = append(c.contenders, &contender{name, what, e})
	c.say("%s: loaded in %.1f s", name, c.now().Sub(begun).Seconds())
	return nil
}

// batch limits how long an engine is asked in one round: as often as there are questions, and then until the time
// is over or it has been asked often enough.
const (
	batchTime = 300 * time.Millisecond
	batchMost = 100
)

// measure asks all engines in rounds, the first of which is not timed. In each round it is another's turn to begin, so that
// what else the machine does falls upon all alike.
func (c *comparison) measure(ctx context.Context, name string, asked []question) error {
	medians := map[string][]time.Duration{}
	for round := range 1 + c.options.rounds {
		c.say("%s: round %d of %d", name, round, c.options.rounds)
		for i := range c.contenders {
			who := c.contenders[(i+round)%len(c.contenders)]
			median, err := c.batch(ctx, who, asked)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, who.name, err)
			}
			if round > 0 {
				medians[who.name] = append(medians[who.name], median)
			}
		}
	}
	ours := time.Duration(0)
	if m := medians[engineWhowhen]; m != nil {
		ours = middle(m)
	}
	for _, who := range c.contenders {
		m := medians[who.name]
		f := figure{
			Name: name, Engine: who.name, CIDs: c.options.cids, Rounds: len(m), Result: asked[0].answer, Note: asked[0].text() + "; " + who.what,
			P50US: microseconds(middle(m)), LowUS: microseconds(slices.Min(m)), HighUS: microseconds(slices.Max(m)),
		}
		if ours > 0 {
			f.Ratio = float64(middle(m)) / float64(ours)
		}
		c.figures = append(c.figures, f)
	}
	return nil
}

// batch asks an engine each question in turn, again and again, after one that is not timed, and returns the median time.
// Every answer must be right.
func (c *comparison) batch(ctx context.Context, who *contender, asked []question) (time.Duration, error) {
	var times []time.Duration
	begun := c.now()
	for i := -1; ; i++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		q := asked[(i+len(asked))%len(asked)]
		start := c.now()
		n, err := who.engine.count(ctx, q)
		end := c.now()
		switch {
		case err != nil:
			return 0, err
		case n != q.answer:
			return 0, fmt.Errorf("%s is %d, says %s, but the data says %d", q.text(), n, who.what, q.answer)
		case i >= 0:
			times = append(times, end.Sub(start))
		}
		if len(times) >= batchMost || len(times) >= len(asked) && end.Sub(begun) > batchTime {
			return middle(times), nil
		}
	}
}

// middle returns the median, of an even number the upper one.
func middle(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// close ends all engines.
func (c *comparison) close() error {
	var errs []error
	for _, who := range c.contenders {
		if err := who.engine.close(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", who.name, err))
		}
	}
	return errors.Join(errs...)
}
