package segments_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestHiddenScores holds that hidden scores are published together, found by CID and by block, and unknown to expressions.
func TestHiddenScores(t *testing.T) {
	const cids = 150_000
	dir := t.TempDir()
	home, a := open(t, dir, segments.Options{})
	position := uint64(0)
	for from := 0; from < cids; from += 50_000 {
		r, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := from; i < from+50_000; i++ {
				b.Profile(i-from, batch.ProfileChange{CID: fmt.Sprintf("%032x", i), Set: []batch.Named{{Name: "zone", Value: value.Text([]string{"Asia/Tokyo", "Europe/Lisbon"}[i%2])}}})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		position = r.Position
	}
	view := func() *segments.View {
		t.Helper()
		v, err := a.View(context.Background(), segments.ReadOptions{AtLeastPosition: position})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	view().Close()
	code := func(name, ordinal int) uint16 { return uint16(ordinal*31 + name*7919) }
	there := func(ordinal int) bool { return ordinal%5 != 3 }
	names := []string{".a", ".b"}
	var publishes []batch.ScorePublish
	for n, name := range names {
		c := batch.ScoreChunk{Name: name, Generation: 1, Ordinals: cids, Present: make([]uint64, (cids+63)/64)}
		for o := range cids {
			if there(o) {
				c.Present[o/64] |= 1 << (o % 64)
				c.Codes = append(c.Codes, code(n, o))
			}
		}
		if _, err := a.StageScores(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		publishes = append(publishes, batch.ScorePublish{Name: name, Generation: 1, Version: "1"})
	}
	// One that is not staged keeps all of them back.
	if _, err := a.PublishScores(context.Background(), append(publishes, batch.ScorePublish{Name: ".c", Generation: 1, Version: "1"})...); err == nil {
		t.Fatal("published without .c")
	}
	v := view()
	if err := v.ScoreCodes(".a", nil, nil, nil); err == nil {
		t.Error(".a is published")
	}
	v.Close()
	var err error
	if position, err = a.PublishScores(context.Background(), publishes...); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		v := view()
		defer v.Close()
		var ordinals []uint32
		for o := uint32(0); o < cids; o += 1 + rand.Uint32N(900) {
			ordinals = append(ordinals, o)
		}
		codes, found := make([]uint16, len(ordinals)), make([]bool, len(ordinals))
		for n, name := range names {
			if err := v.ScoreCodes(name, ordinals, codes, found); err != nil {
				t.Fatal(err)
			}
			for i, o := range ordinals {
				if found[i] != there(int(o)) || found[i] && codes[i] != code(n, int(o)) {
					t.Fatalf("%s of %d: %d %v", name, o, codes[i], found[i])
				}
			}
		}
		texts := make([]int64, len(ordinals))
		if err := v.TextCodes("zone", ordinals, texts, found); err != nil {
			t.Fatal(err)
		}
		var cid batch.CIDs
		v.ReadCIDs(&cid, ordinals)
		for i := range ordinals {
			want := "Asia/Tokyo"
			if cid.At(i)[31]%2 == 1 && cid.At(i)[31] <= '9' || cid.At(i)[31] > '9' && (cid.At(i)[31]-'a')%2 == 1 {
				want = "Europe/Lisbon"
			}
			if got := v.AttributeText("zone", texts[i]); !found[i] || got != want {
				t.Fatalf("%s is in %s, want %s", cid.At(i), got, want)
			}
		}
		r := v.BlockReader(context.Background())
		defer r.Close()
		seen, whole, lower := 0, new([segments.BlockCIDs]uint16), new([segments.BlockCIDs]uint8)
		for block := range v.Blocks() {
			if _, err := r.GoTo(block); err != nil {
				t.Fatal(err)
			}
			var everyone, found segments.Words
			r.Everyone(&everyone)
			for _, bytes := range []bool{false, true} {
				var err error
				if bytes {
					err = segments.ReadScoreCodes(r, ".b", &everyone, lower, &found)
				} else {
					err = segments.ReadScoreCodes(r, ".b", &everyone, whole, &found)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			everyone.Each(func(x uint16) bool {
				o := block*segments.BlockCIDs + int(x)
				if there(o) != found.Has(x) || there(o) && (whole[x] != code(1, o) || lower[x] != uint8(code(1, o))) {
					t.Fatalf("%d has %d", o, whole[x])
				}
				return true
			})
			seen += found.Count()
		}
		if seen != cids/5*4 {
			t.Errorf("%d of %d", seen, cids)
		}
		known := new(segments.Error)
		if _, err := v.Count(context.Background(), parsed(t, `score(".a") exists`)); !errors.As(err, &known) || known.Reason != segments.ScoreUnknown {
			t.Errorf("expressions know it: %v", err)
		}
	}
	check()
	if s, err := a.Status(); err != nil || len(s.Scores) != 0 {
		t.Errorf("%v, %v", s.Scores, err)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	_, a = open(t, dir, segments.Options{})
	check()
}
