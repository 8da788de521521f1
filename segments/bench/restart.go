package bench

import (
	"context"
	"fmt"
	"time"
)

// Restart closes the engine and opens it again, some times, and gives two figures: from there to the first answer, and
// the time of answers whose fragments are not in memory but in the store, with the page cache warm, by a process that has
// answered before. Each restart gives as many of those as there are variants of the query, less one.
func (e *Engine) Restart(ctx context.Context, p Pace, l *Library) (restart, cold Figure, err error) {
	restart = Figure{Name: "restart", CIDs: e.data.CIDs, Note: "from opening the directory to the first answer to and5"}
	cold = Figure{Name: "and5_cold", CIDs: e.data.CIDs, Note: "and5 with its fragments in the store only, page cache warm"}
	var restarts, colds, theirs Samples
	var queries []Query
	for v := range Variants {
		queries = append(queries, e.data.and5Of(v))
		queries[v].Library(l)
	}
	for begun := p.Now(); len(restarts) < p.Rounds; {
		first := len(restarts) % Variants
		took, answers, err := e.restart(ctx, p, append(queries[first:len(queries):len(queries)], queries[:first]...))
		if err != nil {
			return restart, cold, err
		}
		restarts, colds = append(restarts, took), append(colds, answers...)
		for i, q := range queries {
			start := p.Now()
			n := q.Library(l)
			theirs = append(theirs, p.Now().Sub(start))
			if i == 0 {
				cold.BaselineResult = &n
			}
			ours, err := e.Count(ctx, q.Expression)
			if err == nil && ours != n {
				err = &DisagreementError{cold.Name, q.Expression.String(), ours, n}
			}
			if err != nil {
				return restart, cold, err
			}
			if i == 0 {
				cold.Result = &ours
			}
		}
		if len(restarts) >= leastRounds && p.Now().Sub(begun) > p.Budget {
			break
		}
	}
	restart.Times(restarts)
	restart.Result, restart.BaselineResult = cold.Result, cold.BaselineResult
	cold.Times(colds)
	cold.BaselineP50US = Microseconds(theirs.Quantile(.5))
	cold.Speedup = cold.BaselineP50US / cold.P50US
	return restart, cold, nil
}

// restart restarts once and times each of the queries, the first of them as part of the restart only.
func (e *Engine) restart(ctx context.Context, p Pace, queries []Query) (took time.Duration, answers Samples, err error) {
	if err := e.Close(); err != nil {
		return 0, nil, err
	}
	begun := p.Now()
	if err := e.open(); err != nil {
		return 0, nil, err
	}
	opened := p.Now().Sub(begun)
	before, err := e.app.Status()
	if err != nil {
		return 0, nil, err
	}
	for i, q := range queries {
		if i > 0 {
			e.app.EmptyCache()
		}
		start := p.Now()
		if _, err := e.Count(ctx, q.Expression); err != nil {
			return 0, nil, err
		}
		end := p.Now()
		if i == 0 {
			took = opened + end.Sub(start)
			continue
		}
		answers = append(answers, end.Sub(start))
	}
	after, err := e.app.Status()
	if err != nil {
		return 0, nil, err
	}
	if misses := after.CacheMisses - before.CacheMisses; misses < uint64(len(queries)) {
		err = fmt.Errorf("and5_cold: the tags were in memory already: %d queries read %d fragments", len(queries), misses)
	}
	return took, answers, err
}
