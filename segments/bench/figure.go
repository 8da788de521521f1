package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/expr"
)

// Figure is what one measurement came to. Fields that make no sense for it are nil or zero.
type Figure struct {
	Name string `json:"name"`
	CIDs int    `json:"cids"`
	// P50US and P99US are the median and the 99th percentile of the rounds, in microseconds.
	P50US float64 `json:"p50_us,omitempty"`
	P99US float64 `json:"p99_us,omitempty"`
	// PerSecond is the median throughput, in what the figure's note says.
	PerSecond float64 `json:"per_second,omitempty"`
	Bytes     int64   `json:"bytes,omitempty"`
	// BaselineP50US is the library's median of the same queries, and Speedup how many times that is ours.
	BaselineP50US float64 `json:"baseline_p50_us,omitempty"`
	Speedup       float64 `json:"speedup,omitempty"`
	// QuietP50US is the median of what is measured under load, without the load.
	QuietP50US float64 `json:"quiet_p50_us,omitempty"`
	// Result is the answer to the plain form of the query, by us and by the library.
	Result         *uint64 `json:"result,omitempty"`
	BaselineResult *uint64 `json:"baseline_result,omitempty"`
	Rounds         int     `json:"rounds,omitempty"`
	// Note says what was measured.
	Note string `json:"note,omitempty"`
}

// Pace says how often things are measured.
type Pace struct {
	// Rounds is how often a query is asked at most.
	Rounds int
	// Budget is for how long one figure is measured; some rounds are made in any case.
	Budget time.Duration
	// Now tells the time.
	Now func() time.Time
}

// leastRounds are made however long they take.
const leastRounds = 5

// Samples are the times of rounds.
type Samples []time.Duration

// Quantile returns the time that a share of the rounds did not exceed.
func (s Samples) Quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Microseconds returns a time with its fraction.
func Microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// Measure times rounds, numbered from 0, after one that is not timed.
func (p Pace) Measure(ctx context.Context, round func(i int) error) (Samples, error) {
	if err := round(0); err != nil {
		return nil, err
	}
	var samples Samples
	for begun := p.Now(); len(samples) < p.Rounds; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start := p.Now()
		if err := round(len(samples)); err != nil {
			return nil, err
		}
		end := p.Now()
		samples = append(samples, end.Sub(start))
		if len(samples) >= leastRounds && end.Sub(begun) > p.Budget {
			break
		}
	}
	return samples, nil
}

// Times sets the times and how many rounds there were.
func (f *Figure) Times(s Samples) {
	f.P50US, f.P99US, f.Rounds = Microseconds(s.Quantile(.5)), Microseconds(s.Quantile(.99)), len(s)
}

// warm makes the first rounds without timing them, so that what they need is in memory.
func (p Pace) warm(ctx context.Context, round func(i int) error) error {
	const most, share = 40, 5 // of the budget
	begun := p.Now()
	for i := range min(most, p.Rounds) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := round(i); err != nil {
			return err
		}
		if p.Now().Sub(begun) > p.Budget/share {
			break
		}
	}
	return nil
}

// Count measures a query, asked in as many ways as there are rounds, by count and by the library, and compares
// every answer.
func (p Pace) Count(ctx context.Context, name string, l *Library, ask func(round int) Query, count func(ctx context.Context, n expr.Node) (uint64, error)) (Figure, error) {
	f := Figure{Name: name, CIDs: l.data.CIDs}
	queries, answers := make([]Query, p.Rounds), make([]uint64, p.Rounds)
	for i := range queries {
		queries[i] = ask(i)
	}
	round := func(i int) error {
		n, err := count(ctx, queries[i].Expression)
		answers[i] = n
		return err
	}
	err := p.warm(ctx, round)
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	ours, err := p.Measure(ctx, round)
	if err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.Times(ours)
	f.Note = queries[0].Expression.String()
	return f, p.compare(ctx, &f, l, queries[:len(ours)], answers)
}

// compare measures the library on the same queries.
func (p Pace) compare(ctx context.Context, f *Figure, l *Library, queries []Query, answers []uint64) error {
	checked := p
	checked.Rounds = len(queries)
	var plain uint64
	round := func(i int) error {
		n := queries[i].Library(l)
		if i == 0 {
			plain = n
		}
		if n != answers[i] {
			return &DisagreementError{f.Name, queries[i].Expression.String(), answers[i], n}
		}
		return nil
	}
	if err := checked.warm(ctx, round); err != nil {
		return err
	}
	theirs, err := checked.Measure(ctx, round)
	if err != nil {
		return err
	}
	f.Result, f.BaselineResult = &answers[0], &plain
	f.BaselineP50US = Microseconds(theirs.Quantile(.5))
	f.Speedup = f.BaselineP50US / f.P50US
	return nil
}

// DisagreementError says that we and the library do not give the same answer.
type DisagreementError struct {
	Figure, Query  string
	Ours, Librarys uint64
}

func (e *DisagreementError) Error() string {
	return fmt.Sprintf("%s: %s: whowhen says %d, the roaring library %d", e.Figure, e.Query, e.Ours, e.Librarys)
}
