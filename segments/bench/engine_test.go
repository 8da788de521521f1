package bench

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

func seededEngine(t testing.TB, d Dataset) *Engine {
	t.Helper()
	dir := t.TempDir()
	home, err := segments.OpenHome(dir, segments.Options{Clock: d.Clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Seed(t.Context(), home, segments.DefaultApp, d, func(_, _ int) {}), home.Close()); err != nil {
		t.Fatal(err)
	}
	e, err := OpenEngine(d, dir, segments.Options{Clock: d.Clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func questions(d Dataset) map[string]func(round int) Query {
	return map[string]func(round int) Query{
		"and5": d.And5, "and5_wide": d.And5Wide, "days3of30": d.Days3of30, "count3of30": d.Count3of30, "where30": d.Where30, "gt10bit": d.GT10Bit,
	}
}

// TestFiguresAgree asks every query in many ways, of the engine and of the library.
func TestFiguresAgree(t *testing.T) {
	d := dataset(150_000)
	e := seededEngine(t, d)
	memory, err := e.Memory()
	if err != nil || memory.Bytes <= 0 {
		t.Errorf("%+v, %v", memory, err)
	}
	l := NewLibrary(d)
	pace := Pace{Rounds: 24, Budget: time.Minute, Now: time.Now}
	for name, ask := range questions(d) {
		f, err := pace.Count(t.Context(), name, l, ask, e.Count)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name != name || f.CIDs != d.CIDs || f.Rounds != 24 || f.P50US <= 0 || f.P99US < f.P50US || f.Speedup <= 0 || *f.Result == 0 || *f.Result != *f.BaselineResult {
			t.Errorf("%+v", f)
		}
		t.Logf("%s: %.0f us, library %.0f us: %s", name, f.P50US, f.BaselineP50US, f.Note)
	}
	top, err := e.Top(t.Context(), pace, l)
	if err != nil {
		t.Fatal(err)
	}
	if top.Rounds != 24 || top.Speedup <= 0 || *top.Result == 0 || *top.Result != *top.BaselineResult {
		t.Errorf("%+v", top)
	}
	restart, cold, err := e.Restart(t.Context(), quick(), l)
	if err != nil {
		t.Fatal(err)
	}
	if restart.Rounds != 3 || cold.Rounds != 3*(Variants-1) || *cold.Result != *cold.BaselineResult {
		t.Errorf("%+v\n%+v", restart, cold)
	}
}

// TestQueriesVary checks that rounds differ, and that their text says the same.
func TestQueriesVary(t *testing.T) {
	d := dataset(1000)
	for name, ask := range questions(d) {
		different := map[string]bool{}
		for round := range 60 {
			text := ask(round).Expression.String()
			different[text] = true
			n, err := expr.Parse(text)
			if err != nil || n.String() != text {
				t.Errorf("%s: %v, %v", text, n, err)
			}
		}
		if len(different) < 4 {
			t.Errorf("%s: %d ways to ask in 60 rounds", name, len(different))
		}
	}
	if got := d.And5(0).Expression.String(); got != `tag("a") and tag("b") and (tag("c") or tag("d")) and not tag("e")` {
		t.Error(got)
	}
}

// TestDisagreement has somebody answer wrongly.
func TestDisagreement(t *testing.T) {
	d := dataset(1000)
	_, err := quick().Count(t.Context(), "and5", NewLibrary(d), d.And5, func(context.Context, expr.Node) (uint64, error) { return 7, nil })
	if wrong := (*DisagreementError)(nil); !errors.As(err, &wrong) || wrong.Ours != 7 || wrong.Figure != "and5" {
		t.Error(err)
	}
}

func TestMeasure(t *testing.T) {
	now := time.Time{}
	p := Pace{Rounds: 100, Budget: 10 * time.Second, Now: func() time.Time { return now }}
	samples, err := p.Measure(t.Context(), func(i int) error { now = now.Add(time.Duration(1+i) * time.Second); return nil })
	if err != nil || len(samples) != leastRounds || samples.Quantile(.5) != 3*time.Second || samples.Quantile(.99) != 5*time.Second {
		t.Error(samples, err)
	}
	p.Budget = time.Hour
	if samples, err := p.Measure(t.Context(), func(int) error { now = now.Add(time.Second); return nil }); err != nil || len(samples) != 100 {
		t.Error(samples, err)
	}
	if _, err := p.Measure(t.Context(), func(i int) error { return os.ErrClosed }); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := p.Measure(ctx, func(int) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
