package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"

	"whowhen.dev/whowhen/segments/bench"
)

// Names of figures.
const (
	benchAnd5          = "and5"
	benchAnd5Wide      = "and5_wide"
	benchAnd5RPC       = "and5_rpc"
	benchAnd5Cold      = "and5_cold"
	benchDays          = "days3of30"
	benchCount         = "count3of30"
	benchWhere         = "where30"
	benchNumber        = "gt10bit"
	benchTop           = "top100k"
	benchSelectPacked  = "select_packed"
	benchSelectStrings = "select_strings"
	benchWrite         = "write"
	benchLoad          = "load"
	benchRestart       = "restart"
	benchMemory        = "memory"
	benchMixed         = "mixed_p99"

	// benchBitmaps stands for the figures of real bitmaps, which are named after their files.
	benchBitmaps = "bitmaps"
)

// benchFigures returns the names of all figures, in the order they are printed.
func benchFigures() []string {
	return []string{
		benchAnd5, benchAnd5Wide, benchAnd5RPC, benchAnd5Cold, benchDays, benchCount, benchWhere, benchNumber, benchTop,
		benchSelectPacked, benchSelectStrings, benchWrite, benchLoad, benchRestart, benchMemory, benchMixed,
	}
}

// benchRun is one run of the command.
type benchRun struct {
	main    *Main
	command *benchCmd
	notice  *notice
	pace    bench.Pace
	report  benchReport

	data    bench.Dataset
	engine  *bench.Engine  // nil until there is data
	library *bench.Library // nil until memory has been measured
	temp    []string       // directories to be removed
}

// all measures what is asked for. The order matters: memory is what there is before the library has its own copy of the
// data, and what writes comes last.
func (r *benchRun) all(ctx context.Context) error {
	if r.command.wants(benchFigures()...) {
		for _, step := range []func(context.Context) error{r.seed, r.memory} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		if err := r.profiled(ctx, r.queries, r.overRPC, r.restarts, r.writing); err != nil {
			return err
		}
	}
	if !r.command.wants(benchBitmaps) {
		return nil
	}
	for _, file := range r.command.Bitmaps {
		r.notice.show("measuring " + file)
		figures, err := bench.Bitmaps(ctx, r.pace, file)
		if err != nil {
			return err
		}
		r.report.Figures = append(r.report.Figures, figures...)
	}
	return nil
}

func (r *benchRun) add(f bench.Figure) { r.report.Figures = append(r.report.Figures, f) }

// close closes and removes what the run has made.
func (r *benchRun) close() error {
	var errs []error
	if r.engine != nil {
		errs = append(errs, r.engine.Close())
	}
	for _, dir := range r.temp {
		errs = append(errs, removeAll(dir))
	}
	return errors.Join(errs...)
}

// measured is a figure of a query.
type measured struct {
	name string
	ask  func(round int) bench.Query
}

func (r *benchRun) measured() []measured {
	return []measured{
		{benchAnd5, r.data.And5},
		{benchAnd5Wide, r.data.And5Wide},
		{benchDays, r.data.Days3of30},
		{benchCount, r.data.Count3of30},
		{benchWhere, r.data.Where30},
		{benchNumber, r.data.GT10Bit},
	}
}

// memory asks each query a few times, so that what it needs is in memory, and measures that.
func (r *benchRun) memory(ctx context.Context) error {
	if r.command.wants(benchMemory) {
		for _, q := range r.measured() {
			r.notice.show("bringing what " + q.name + " needs into memory")
			for round := range bench.Variants {
				if _, err := r.engine.Count(ctx, q.ask(round).Expression); err != nil {
					return fmt.Errorf("%s: %w", q.name, err)
				}
			}
		}
		f, err := r.engine.Memory()
		if err != nil {
			return err
		}
		r.add(f)
	}
	r.library = bench.NewLibrary(r.data)
	return nil
}

func (r *benchRun) queries(ctx context.Context) (err error) {
	for _, q := range r.measured() {
		if !r.command.wants(q.name) {
			continue
		}
		r.notice.show("measuring " + q.name)
		var f bench.Figure
		pprof.Do(ctx, pprof.Labels("figure", q.name), func(ctx context.Context) {
			f, err = r.pace.Count(ctx, q.name, r.library, q.ask, r.engine.Count)
		})
		if err != nil {
			return err
		}
		r.add(f)
	}
	if !r.command.wants(benchTop) {
		return nil
	}
	r.notice.show("measuring " + benchTop)
	f, err := r.engine.Top(ctx, r.pace, r.library)
	if err != nil {
		return fmt.Errorf("%s: %w", benchTop, err)
	}
	r.add(f)
	return nil
}

// profiled takes steps, with a CPU profile of them if there is to be one.
func (r *benchRun) profiled(ctx context.Context, steps ...func(context.Context) error) (err error) {
	if r.command.Profile != "" {
		f, err := os.Create(r.command.Profile)
		if err != nil {
			return failure("the profile cannot be written: %v.", innermost(err))
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, f.Close())
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, f.Close())
		}()
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *benchRun) restarts(ctx context.Context) error {
	if !r.command.wants(benchRestart, benchAnd5Cold) {
		return nil
	}
	r.notice.show("measuring " + benchRestart)
	restart, cold, err := r.engine.Restart(ctx, r.pace, r.library)
	if err != nil {
		return err
	}
	for _, f := range []bench.Figure{cold, restart} {
		if r.command.wants(f.Name) {
			r.add(f)
		}
	}
	return nil
}
