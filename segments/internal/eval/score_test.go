package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/score"
)

// scoredIndex returns an index with two scores, the codes of the first, and a tag on every third CID.
func scoredIndex(t testing.TB, cids int, cacheBytes int64) (ix *index.Index, codes map[uint32]uint16) {
	t.Helper()
	ix = newIndexWith(t, cacheBytes)
	introduce(t, ix, cids)
	r := seeded(7)
	codes = map[uint32]uint16{}
	writeScores(t, ix, "pay", 1, cids, func(o uint32) (uint16, bool) {
		if r.IntN(10) == 0 || o>>16 == 1 && r.IntN(50) > 0 {
			return 0, false
		}
		codes[o] = uint16(r.Uint32())
		if r.IntN(3) == 0 {
			codes[o] = uint16(30_000 + r.IntN(3))
		}
		return codes[o], true
	})
	writeScores(t, ix, "few", 5, min(cids, 1000), func(o uint32) (uint16, bool) { return uint16(o), o%2 == 0 })
	var some []uint32
	for o := uint32(0); o < uint32(cids); o += 3 {
		some = append(some, o)
	}
	for part := range slices.Chunk(some, batch.MaxRecords) {
		write(t, ix, testDay, func(b *batch.Builder) error {
			return b.TagColumns(0, batch.Tags{Name: "third", CIDs: cidsOf(part), Remove: make([]bool, len(part))})
		})
	}
	return ix, codes
}

// TestScoreComparisons compares every operator, at codes and beside them, with the codes one by one.
func TestScoreComparisons(t *testing.T) {
	const cids = 140_000
	ix, codes := scoredIndex(t, cids, 1<<30)
	e := envOf(t, ix)
	digits := func(p float64) string { return strconv.FormatFloat(p, 'f', 17, 64) }
	for _, at := range []uint16{1, 29_999, 30_000, 30_001, 32_768, 65_535} {
		p := score.Probability(at)
		for _, text := range []string{digits(p), "0", "1", "0.5", strconv.FormatFloat(p, 'f', 6, 64)} {
			limit, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			for op, holds := range map[string]func(p float64) bool{
				"= " + text:                             func(p float64) bool { return p == limit },
				"!= " + text:                            func(p float64) bool { return p != limit },
				"< " + text:                             func(p float64) bool { return p < limit },
				"<= " + text:                            func(p float64) bool { return p <= limit },
				"> " + text:                             func(p float64) bool { return p > limit },
				">= " + text:                            func(p float64) bool { return p >= limit },
				"in (0.25, " + text + ", 0.5)":          func(p float64) bool { return p == limit || p == 0.25 || p == 0.5 },
				"between 0.0000001 and " + text:         func(p float64) bool { return p <= limit && p >= 1e-7 },
				"between " + text + " and 1":            func(p float64) bool { return p >= limit },
				"exists":                                func(float64) bool { return true },
				"in (" + text + ", " + text + ", 0.75)": func(p float64) bool { return p == limit || p == 0.75 },
			} {
				if strings.HasPrefix(op, "between 0.0000001") && limit < 1e-7 {
					continue
				}
				n := parsed(t, `score("pay") `+op)
				want := uint64(0)
				for _, code := range codes {
					if holds(score.Probability(code)) {
						want++
					}
				}
				got, err := e.Count(t.Context(), n)
				if err != nil || got != want {
					t.Errorf("%s: %d, want %d: %v", n, got, want, err)
				}
				all, err := e.Count(t.Context(), parsed(t, fmt.Sprintf("(%s) or not (%[1]s)", n)))
				if err != nil || all != cids {
					t.Errorf("%s, or not: %d of %d: %v", n, all, cids, err)
				}
			}
		}
	}
}

// naiveTop is who a top takes of candidates.
func naiveTop(codes map[uint32]uint16, n int, candidate func(o uint32) bool) map[uint32]bool {
	var all []uint32
	for o := range codes {
		if candidate(o) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b uint32) int {
		if codes[a] != codes[b] {
			return int(codes[b]) - int(codes[a])
		}
		return int(a) - int(b)
	})
	taken := map[uint32]bool{}
	for _, o := range all[:min(len(all), n)] {
		taken[o] = true
	}
	return taken
}

// TestTopTerms puts tops into expressions and into each other, with the column in memory and read piece by piece.
func TestTopTerms(t *testing.T) {
	const cids = 200_000
	for _, cacheBytes := range []int64{1 << 30, 1} {
		ix, codes := scoredIndex(t, cids, cacheBytes)
		if cacheBytes == 1 {
			if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
				t.Fatal(err)
			}
		}
		e := envOf(t, ix)
		third := func(o uint32) bool { return o%3 == 0 }
		all, best := func(uint32) bool { return true }, naiveTop(codes, 5000, third)
		inner, large := naiveTop(codes, 60_000, all), naiveTop(codes, 90_000, third)
		again := naiveTop(codes, 700, func(o uint32) bool { return inner[o] && !third(o) })
		for text, want := range map[string]func(o uint32) bool{
			`top(5000, score("pay"), tag("third"))`:                                                                                func(o uint32) bool { return best[o] },
			`top(90000, score("pay"), tag("third"))`:                                                                               func(o uint32) bool { return large[o] },
			`not top(5000, score("pay"), tag("third"))`:                                                                            func(o uint32) bool { return !best[o] },
			`tag("third") and not top(5000, score("pay"), tag("third"))`:                                                           func(o uint32) bool { return third(o) && !best[o] },
			`top(5000, score("pay"), tag("third")) or score("few") exists`:                                                         func(o uint32) bool { return best[o] || o < 1000 && o%2 == 0 },
			`top(60000, score("pay"), everyone) and tag("third")`:                                                                  func(o uint32) bool { return inner[o] && third(o) },
			`top(5000, score("pay"), tag("third")) and top(5000, score("pay"), tag("third"))`:                                      func(o uint32) bool { return best[o] },
			`top(5000, score("pay"), tag("third")) and not top(5000, score("pay"), tag("third"))`:                                  func(uint32) bool { return false },
			`top(700, score("pay"), top(60000, score("pay"), everyone) and not tag("third"))`:                                      func(o uint32) bool { return again[o] },
			`top(4294967296, score("few"), everyone)`:                                                                              func(o uint32) bool { return o < 1000 && o%2 == 0 },
			`top(3, score("few"), everyone)`:                                                                                       func(o uint32) bool { return o == 998 || o == 996 || o == 994 },
			`top(3, score("few"), nobody)`:                                                                                         func(uint32) bool { return false },
			`top(3, score("few"), score("few") < 0.5) and top(60000, score("pay"), everyone)`:                                      func(o uint32) bool { return inner[o] && (o == 998 || o == 996 || o == 994) },
			`top(5000, score("pay"), tag("third")) and (tag("known") or top(60000, score("pay"), everyone)) and sample(100%, "s")`: func(o uint32) bool { return best[o] },
		} {
			holds := holdsFor(t, e, text, cids)
			count := uint64(0)
			for o, got := range holds {
				if got != want(uint32(o)) {
					t.Fatalf("cache of %d bytes: %s: ordinal %d is in: %v", cacheBytes, text, o, got)
				}
				if got {
					count++
				}
			}
			if n, err := e.Count(t.Context(), parsed(t, text)); err != nil || n != count {
				t.Errorf("%s: count %d, want %d: %v", text, n, count, err)
			}
		}
	}
}

// TestUnknownScore asks for scores that are not published.
func TestUnknownScore(t *testing.T) {
	ix, _ := scoredIndex(t, 100, 1<<30)
	change(t, ix, &batch.Batch{ScoreChunks: []batch.ScoreChunk{{Name: "staged", Generation: 1, Ordinals: 1, Present: []uint64{1}, Codes: []uint16{5}}}})
	e := envOf(t, ix)
	for _, text := range []string{
		`score("staged") exists`, `top(1, score("staged"), everyone)`, `tag("third") or not score("other") > 0.5`, `top(1, score("pay"), top(1, score("other"), everyone))`,
	} {
		if _, err := e.Count(t.Context(), parsed(t, text)); err == nil || !strings.Contains(err.Error(), "no score") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, _, err := e.Score("staged", 0); err == nil {
		t.Error("a staged score can be seen")
	}
}

// TestScoreAt reads scores of single CIDs.
func TestScoreAt(t *testing.T) {
	ix, codes := scoredIndex(t, 70_000, 1)
	if _, err := ix.Checkpoint(func(uint64) []index.BatchID { return nil }, 0); err != nil {
		t.Fatal(err)
	}
	e := envOf(t, ix)
	for _, o := range []uint32{0, 1, 2, 65_535, 65_536, 66_000, 69_999} {
		want, has := codes[o]
		if got, there, err := e.Score("pay", o); err != nil || there != has || got != want {
			t.Errorf("ordinal %d has %d, %v: %v; want %d, %v", o, got, there, err, want, has)
		}
	}
}

// TestTopSeesOnlyThoseHeardOf takes the best as of a past day.
func TestTopSeesOnlyThoseHeardOf(t *testing.T) {
	ix := newIndex(t)
	introduce(t, ix, 10)
	write(t, ix, testDay, func(b *batch.Builder) error {
		return b.TagColumns(0, batch.Tags{Name: "late", CIDs: cidsOf([]uint32{10, 11}), Remove: make([]bool, 2)})
	})
	writeScores(t, ix, "pay", 1, 12, func(o uint32) (uint16, bool) { return uint16(o), true })
	e := envOf(t, ix)
	past := *e
	past.AsOfDay, past.AsOfSeconds = testDay-1, testDay*dayMillis/1000-1
	for _, c := range []struct {
		env  *Env
		want []uint32
	}{{e, []uint32{10, 11}}, {&past, []uint32{8, 9}}} {
		s, err := c.env.Select(t.Context(), expr.Top{N: 2, Score: "pay", Of: expr.Everyone{}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint32
		if err := s.Each(func(ordinals []uint32) error { got = append(got, ordinals...); return nil }); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("took %v, want %v: %v", got, c.want, err)
		}
	}
}
