// Package eval answers expressions over one version of the index, exactly, block by
// block of 2^16 ordinals.
//
// An expression is compiled to a tree of terms. A term makes the bits of one block at a time, so
// that nothing larger than a block is ever built; terms of an `and` run from cheap to
// dear, and stop when nobody is left.
package eval

import (
	"math"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/index"
)

// Env is what an expression is answered from. It may be shared by any number of calls.
type Env struct {
	Version *index.Version
	Schema  *index.Schema
	CIDs    *dict.CIDs
	Zone    *time.Location
	// AsOfSeconds is the moment to answer for, in seconds since 1970, and AsOfDay its app
	// day. What happened later is not there.
	AsOfSeconds int64
	AsOfDay     int32
	// NowMillis is the clock that tag expiry and retention are judged against, and Today its app day.
	NowMillis int64
	Today     int32
	// MostLateDays says by how many days events, by number, may be late to be there; the others all are. What is known of one CID does
	// not look at it.
	MostLateDays map[uint32]int32
	// Pool lends the room that evaluations need.
	Pool *Pool
}

// span is a stretch of time: app days and, within them, seconds.
type span struct {
	fromDay, toDay        int32 // both included
	afterSecond, toSecond int64 // the first not included, the second included
}

const (
	firstDay    = math.MinInt32
	startOfTime = math.MinInt64
	secondsHour = 3600
)

// ever is all that happened up to as_of.
func (e *Env) ever() span {
	return span{firstDay, e.AsOfDay, startOfTime, e.AsOfSeconds}
}

// span returns the stretch that a window stands for.
func (e *Env) span(w expr.Window) span {
	s := e.ever()
	switch w.Kind {
	case expr.WithinDays:
		s.fromDay = e.AsOfDay - int32(w.N) + 1
	case expr.WithinHours:
		s.afterSecond = e.AsOfSeconds - int64(w.N)*secondsHour
	case expr.Range:
		s.fromDay = clampDay(w.From)
		s.toDay = min(s.toDay, clampDay(w.To-1))
	case expr.BeforeDays:
		s.toDay = e.AsOfDay - int32(w.N)
	case expr.BeforeHours:
		s.toSecond = e.AsOfSeconds - int64(w.N)*secondsHour
	}
	return s
}

// FirstDay returns the app day that a behaviour's window begins with, if the window names one.
func (e *Env) FirstDay(n expr.Behaviour) (day int32, named bool) {
	s := e.span(n.Window)
	switch n.Window.Kind {
	case expr.WithinDays, expr.Range:
		return s.fromDay, true
	case expr.WithinHours:
		return civil.NewZone(e.Zone).Day(s.afterSecond + 1), true
	}
	return 0, false
}

// before is all that happened earlier than a within window.
func (e *Env) before(w expr.Window) span {
	if w.Kind == expr.WithinHours {
		return e.span(expr.Window{Kind: expr.BeforeHours, N: w.N})
	}
	return e.span(expr.Window{Kind: expr.BeforeDays, N: w.N})
}

func clampDay(day int64) int32 { return int32(max(math.MinInt32+1, min(math.MaxInt32-1, day))) }

// until returns the milliseconds whose civil day in the app's zone is not after a day.
func (e *Env) until(day int64) []interval {
	var all []interval
	for _, span := range civil.NewZone(e.Zone).Until(clampDay(min(max(day, -4_000_000), 4_000_000))) {
		low := int64(math.MinInt64)
		if span.First != math.MinInt64 {
			low = span.First * 1000
		}
		all = append(all, interval{low, span.Last*1000 + 999})
	}
	return all
}
