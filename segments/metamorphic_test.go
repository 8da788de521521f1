package segments_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/expr/exprtest"
)

// peopled returns a world with records in it.
func peopled(t *testing.T, seed uint64) *world {
	t.Helper()
	w := someWorld(t, seed)
	for range 4 {
		w.write(w.someRecords(300), false)
	}
	for range 6 {
		w.score()
	}
	return w
}

// same fails unless two expressions hold for the same CIDs as of a moment.
func (w *world) same(a, b expr.Node, asOf time.Time) {
	w.t.Helper()
	v := w.view(asOf)
	defer v.Close()
	if x, y := selected(w.t, v, a), selected(w.t, v, b); !slices.Equal(x, y) {
		w.t.Errorf("as of %s: %d CIDs for %s, %d for %s", v.AsOf(), len(x), a, len(y), b)
	}
}

func (w *world) size(n expr.Node, asOf time.Time) uint64 {
	w.t.Helper()
	v := w.view(asOf)
	defer v.Close()
	count, err := v.Count(context.Background(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return count
}

// TestLawsOfSets checks De Morgan, distribution, absorption, double negation, and inclusion and exclusion.
func TestLawsOfSets(t *testing.T) {
	for seed := range uint64(4) {
		w := peopled(t, seed)
		gen := exprtest.Gen(w.vocabulary())
		draw := func() expr.Node { return gen.Example(int(w.rng.Uint32())) }
		and := func(terms ...expr.Node) expr.Node { return expr.And{Terms: terms} }
		or := func(terms ...expr.Node) expr.Node { return expr.Or{Terms: terms} }
		not := func(n expr.Node) expr.Node { return expr.Not{Term: n} }
		for range 40 {
			a, b, c, asOf := draw(), draw(), draw(), w.someMoment()
			w.same(not(and(a, b)), or(not(a), not(b)), asOf)
			w.same(not(or(a, b)), and(not(a), not(b)), asOf)
			w.same(and(a, or(b, c)), or(and(a, b), and(a, c)), asOf)
			w.same(or(a, and(a, b)), a, asOf)
			w.same(not(not(a)), a, asOf)
			w.same(and(a, b, c), and(c, b, a), asOf)
			w.same(or(a, not(a)), expr.Everyone{}, asOf)
			w.same(and(a, not(a)), expr.Nobody{}, asOf)
			if w.size(or(a, b), asOf)+w.size(and(a, b), asOf) != w.size(a, asOf)+w.size(b, asOf) {
				t.Errorf("inclusion and exclusion: %s and %s", a, b)
			}
		}
	}
}

// TestWindowsSplit puts windows together from smaller ones.
func TestWindowsSplit(t *testing.T) {
	for seed := range uint64(6) {
		w := peopled(t, seed)
		for _, event := range w.words.events {
			name := fmt.Sprintf("%q", event.name)
			if event.name == "purchase" {
				name += ` where category = "shoes" or gift = true`
			}
			for range 3 {
				asOf := w.someMoment()
				v := w.view(asOf)
				year, month, date := v.AsOf().In(w.zone).Date()
				v.Close()
				day := func(back int) string {
					return time.Date(year, month, date-back, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				}
				if time.Date(year, month, date-40, 0, 0, 0, 0, time.UTC).Year() < 1970 {
					continue
				}
				for _, c := range []struct{ whole, parts string }{
					{`did(%[1]s, within 30d)`, `did(%[1]s, within 10d) or did(%[1]s, from ` + day(29) + ` to ` + day(9) + `)`},
					{`did(%[1]s, within 30d)`, `did(%[1]s, from ` + day(29) + ` to ` + day(-1) + `)`},
					{`did(%[1]s, from ` + day(20) + ` to ` + day(3) + `)`, `did(%[1]s, from ` + day(20) + ` to ` + day(11) + `) or did(%[1]s, from ` + day(11) + ` to ` + day(3) + `)`},
					{`did(%[1]s)`, `did(%[1]s, within 7d) or last(%[1]s) before 7d ago`},
					{`did(%[1]s)`, `first(%[1]s) within 7d or first(%[1]s) before 7d ago`},
					{`did(%[1]s)`, `last(%[1]s) within 30h or last(%[1]s) before 30h ago`},
					{`did(%[1]s)`, `count(%[1]s) > 0`},
					{`did(%[1]s, within 5h)`, `count(%[1]s, within 5h) >= 1`},
					{`days(%[1]s, within 9d) >= 1`, `did(%[1]s, within 9d)`},
					{`days(%[1]s, within 1d) = 1`, `did(%[1]s, within 1d)`},
					{`count(%[1]s, within 30d) < 3`, `not count(%[1]s, within 30d) >= 3`},
					{`count(%[1]s, within 20d) = 2`, `count(%[1]s, within 20d) >= 2 and not count(%[1]s, within 20d) >= 3`},
				} {
					w.same(parsed(t, fmt.Sprintf(c.whole, name)), parsed(t, fmt.Sprintf(c.parts, name)), asOf)
				}
				// Counts add up: three in all are so many in one part and the rest in the other.
				var split expr.Or
				for k := range 4 {
					split.Terms = append(split.Terms, parsed(t, fmt.Sprintf(`count(%[1]s, within 10d) = %[2]d and count(%[1]s, from %[3]s to %[4]s) = %[5]d`, name, k, day(29), day(9), 3-k)))
				}
				w.same(parsed(t, fmt.Sprintf(`count(%s, within 30d) = 3`, name)), split, asOf)
			}
		}
	}
}

// TestSamplesNest checks that larger samples hold smaller ones, and hold about their share.
func TestSamplesNest(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	w.fill(20_000)
	for _, salt := range []string{"a", "b", "summer sale"} {
		before := map[string]bool{}
		for _, percent := range []string{"0.1", "1", "10", "33.333333333333333", "50", "99.9", "100"} {
			v := w.view(time.Time{})
			now := map[string]bool{}
			for _, cid := range selected(t, v, expr.Sample{Percent: decimal(percent), Salt: salt}) {
				now[cid] = true
			}
			v.Close()
			for cid := range before {
				if !now[cid] {
					t.Fatalf("%s is in a smaller sample and not in that of %s %%", cid, percent)
				}
			}
			want := decimal(percent).Float() / 100 * 20_000
			if got := float64(len(now)); got < want-600 || got > want+600 {
				t.Errorf("the sample of %s %% holds %v of 20,000", percent, got)
			}
			before = now
		}
		if len(before) != 20_000 {
			t.Errorf("the sample of 100 %% holds %d of 20,000", len(before))
		}
	}
}

// behaviours draws expressions of behaviour alone, which has a history.
func behaviours(v exprtest.Vocabulary) exprtest.Vocabulary {
	v.Tags, v.Attributes = nil, nil
	return v
}

// TestAsOfShifting compares answers as of a past day with those of an app that holds only what had happened by its end.
func TestAsOfShifting(t *testing.T) {
	for seed := range uint64(10) {
		place := places[seed%uint64(len(places))]
		start, err := time.Parse(time.RFC3339, place.now)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, rand.New(rand.NewPCG(seed, 3)), place.zone, start, segments.Options{})
		w.words, w.cids = someWords(w.rng, start), someCIDs(w.rng, 60)
		var records []record
		for len(records) < 800 {
			if r := w.someRecord(); r.event != nil && r.event.TimeMillis != batch.NoTime && r.cid() != "" && len(r.cid()) <= 128 {
				records = append(records, r)
			}
		}
		w.write(records, false)
		asOf := time.UnixMilli(max(0, start.UnixMilli()-w.rng.Int64N(30*86400_000)))
		v := w.view(asOf)
		end := v.AsOf()
		v.Close()
		past := newWorld(t, rand.New(rand.NewPCG(seed, 4)), place.zone, end, segments.Options{})
		past.write(slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.event.TimeMillis > end.UnixMilli()+999 }), true)
		gen := exprtest.Gen(behaviours(w.words.vocabulary(w.zone, end)))
		for range 100 {
			n := gen.Example(int(w.rng.Uint32()))
			then, now := w.view(asOf), past.view(time.Time{})
			a, b := selected(t, then, n), selected(t, now, n)
			then.Close()
			now.Close()
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Fatalf("seed %d: %s: %d CIDs as of %s, %d in an app of that day", seed, n, len(a), end, len(b))
			}
		}
	}
}

// TestOrderOfEvents writes the same events in other orders and other batches.
func TestOrderOfEvents(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 5))
		place := places[seed]
		start, err := time.Parse(time.RFC3339, place.now)
		if err != nil {
			t.Fatal(err)
		}
		one := newWorld(t, rng, place.zone, start, segments.Options{})
		one.words, one.cids = someWords(rng, start), someCIDs(rng, 60)
		var records []record
		for len(records) < 800 {
			// Of events with one id the first holds, which order decides: none here.
			if r := one.someRecord(); r.event != nil && r.event.ID == "" {
				records = append(records, r)
			}
		}
		one.write(records, false)
		other := newWorld(t, rng, place.zone, start, segments.Options{CheckpointBytes: 1})
		shuffled := slices.Clone(records)
		rng.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		for len(shuffled) > 0 {
			n := min(len(shuffled), 1+rng.IntN(200))
			other.write(shuffled[:n], rng.IntN(2) == 0)
			shuffled = shuffled[n:]
		}
		other.restart(true)
		gen := exprtest.Gen(behaviours(one.words.vocabulary(one.zone, start)))
		for range 150 {
			n, asOf := gen.Example(int(rng.Uint32())), one.someMoment()
			x, y := one.view(asOf), other.view(asOf)
			a, b := selected(t, x, n), selected(t, y, n)
			x.Close()
			y.Close()
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Fatalf("seed %d: %s as of %s: %d CIDs, and %d in another order", seed, n, asOf, len(a), len(b))
			}
		}
	}
}
