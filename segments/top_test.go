package segments_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestTop asks for the best of a tag by a number, with ties, and by what is no number.
func TestTop(t *testing.T) {
	ctx := context.Background()
	_, a := open(t, t.TempDir(), segments.Options{})
	written, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i, points := range []int64{5, 9, 9, 1, 9, 7} {
			set := []batch.Named{{Name: "points", Value: value.Num(value.Int(points))}, {Name: "city", Value: value.Text("Goa")}}
			b.Profile(2*i, batch.ProfileChange{CID: fmt.Sprint("cid ", i), Set: set, TimeMillis: batch.NoTime})
			b.Tag(2*i+1, batch.TagChange{CID: fmt.Sprint("cid ", i), Tag: "some", Remove: i == 1, TimeMillis: batch.NoTime})
		}
		b.Tag(12, batch.TagChange{CID: "cid 6", Tag: "some", TimeMillis: batch.NoTime}) // has no points
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: written.Position})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for limit, want := range map[uint64][]string{
		0: nil, 1: {"cid 2"}, 2: {"cid 2", "cid 4"}, 3: {"cid 2", "cid 4", "cid 5"}, 4: {"cid 0", "cid 2", "cid 4", "cid 5"},
		9: {"cid 0", "cid 2", "cid 3", "cid 4", "cid 5"},
	} {
		s, err := v.Top(ctx, parsed(t, `tag("some")`), "points", limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := s.Each(func(cids *batch.CIDs) error { got = append(got, cids.Strings...); return nil }); err != nil || !slices.Equal(got, want) {
			t.Errorf("the best %d are %q, want %q: %v", limit, got, want, err)
		}
	}
	for _, attribute := range []string{"city", "unheard of"} {
		var told *segments.Error
		if _, err := v.Top(ctx, parsed(t, "everyone"), attribute, 1); !errors.As(err, &told) || told.Reason != segments.NotANumber {
			t.Errorf("the best by %q: %v", attribute, err)
		}
	}
}
