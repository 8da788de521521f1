package sendtime

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
)

// obviousOutcome sorts the hours.
func obviousOutcome(p *[model.Hours]float64, hours uint32) (o outcome, rank int) {
	order := make([]int, model.Hours)
	for h := range order {
		order[h] = h
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	rank = slices.IndexFunc(order, func(h int) bool { return hours>>h&1 != 0 })
	if rank < 0 {
		rank = model.Hours
	}
	if rank == 0 {
		o[0] = 1
	}
	if rank < 3 {
		o[1] = 1
	}
	for h, v := range p {
		v = math.Min(math.Max(v, 1e-4), 1-1e-4)
		if hours>>h&1 == 0 {
			v = 1 - v
		}
		o[2] -= math.Log(v) / model.Hours
	}
	return o, rank
}

func TestOutcomes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p [model.Hours]float64
		for h := range p {
			p[h] = rapid.SampledFrom([]float64{0, 1e-9, 0.1, 0.1, 0.2, 0.5, 1}).Draw(t, "p")
		}
		hours := rapid.Uint32Range(0, 1<<model.Hours-1).Draw(t, "hours")
		got, rank := judge(&p, hours)
		want, wantRank := obviousOutcome(&p, hours)
		if rank != wantRank || got[0] != want[0] || got[1] != want[1] || math.Abs(got[2]-want[2]) > 1e-12 {
			t.Fatalf("%v at %d, want %v at %d", got, rank, want, wantRank)
		}
	})
}

// TestTally compares sums with what they are sums of.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 6), 2, 20).Draw(t, "people")
		var all tally
		n, total, means := 0.0, 0.0, 0.0
		for _, days := range people {
			var s personSum
			sum := 0.0
			for _, v := range days {
				s.add(outcome{v, 0, 1})
				sum += v
			}
			all.take(&s)
			n += float64(len(days))
			total += sum
			means += sum / float64(len(days))
		}
		all.take(&personSum{}) // one without days is nobody
		mean, variance := total/n, 0.0
		for _, days := range people {
			residual := 0.0
			for _, v := range days {
				residual += v - mean
			}
			variance += residual * residual
		}
		g := float64(len(people))
		half := 1.959963984540054 * math.Sqrt(variance*g/(g-1)) / n
		f, equal, i := all.figures(), all.equal(), all.intervals()
		if f.Days != int(n) || f.CIDs != len(people) || math.Abs(f.HitAt1-mean) > 1e-12 || f.LogLoss != 1 {
			t.Fatalf("%+v, want %v", f, mean)
		}
		if math.Abs(equal.HitAt1-means/g) > 1e-12 {
			t.Fatalf("%+v, want %v", equal, means/g)
		}
		if math.Abs(i.HitAt1[0]-mean+half) > 1e-6 || math.Abs(i.HitAt1[1]-mean-half) > 1e-6 {
			t.Fatalf("%v, want %v and %v about it", i.HitAt1, mean, half)
		}
	})
}

func TestGate(t *testing.T) {
	base := func(name string, low, high float64) Baseline {
		return Baseline{Name: name, Difference: &Difference{LogLoss: (low + high) / 2, Intervals: Intervals{LogLoss: Interval{low, high}}}}
	}
	for _, c := range []struct {
		name      string
		baselines []Baseline
		passes    bool
	}{
		{"less loss than all", []Baseline{base("everyone", -2, -1), base("zone", -2, -1), base("own_smoothed", -2, -1)}, true},
		{"as much as the own histogram", []Baseline{base("everyone", -2, -1), base("own_smoothed", -1, 1)}, true},
		{"more than the own histogram", []Baseline{base("everyone", -2, -1), base("own_smoothed", 1, 2)}, false},
		{"as much as the zone", []Baseline{base("zone", -1, 1)}, false},
		{"more than a hard guess, which is not asked", []Baseline{base("own_hour", 1, 2)}, true},
	} {
		if g := gate(&Report{Baselines: c.baselines}); g.Passed != c.passes {
			t.Errorf("%s: passed %v: %v", c.name, g.Passed, g.Reasons)
		}
	}
}

// TestDrawnDays: about the rate of all days are drawn, in order, with what was known before each.
func TestDrawnDays(t *testing.T) {
	for _, rate := range []float64{0.01, 0.3, 1} {
		n, last := 0, int32(-1)
		for cid := range 50 {
			last = -1
			eachDrawnDay(lot(string(rune('a'+cid))), rate, 0, 999, nil, nil, func(day int32, _ *rhythm.State, did bool) {
				if day <= last || day > 999 || did {
					t.Fatalf("day %d after %d, active %v", day, last, did)
				}
				last = day
				n++
			})
		}
		if got := float64(n) / 50_000; math.Abs(got-rate) > 0.2*rate {
			t.Errorf("a share of %v is drawn, want %v", got, rate)
		}
	}
}
