package segments_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
)

// TestReadersAndApplierDoNotWait holds views open, and reads a selection slowly, while everything is overwritten and saved
// many times: neither waits for the other, and what was pinned stays as it was.
func TestReadersAndApplierDoNotWait(t *testing.T) {
	ctx := context.Background()
	_, a := open(t, t.TempDir(), segments.Options{CheckpointBytes: 64 << 10, CacheBytes: 64 << 10})
	overwrite := func(round int) uint64 {
		t.Helper()
		r, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 3000 {
				b.Tag(2*i, batch.TagChange{CID: fmt.Sprint("cid ", i), Tag: "even", Remove: (i+round)%2 == 1, TimeMillis: batch.NoTime})
				b.Event(2*i+1, batch.Event{CID: fmt.Sprint("cid ", i), Name: "open", TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Position
	}
	first := overwrite(0)
	position := first
	held, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: position})
	if err != nil {
		t.Fatal(err)
	}
	want := selected(t, held, expr.Tag{Name: "even"})
	selection, err := held.Select(ctx, expr.Tag{Name: "even"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 20
	var slowly []string
	err = selection.Each(func(cids *batch.CIDs) error {
		for round := 1; round <= rounds; round++ {
			position = overwrite(round)
			v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: position})
			if err != nil {
				return err
			}
			if n, err := v.Count(ctx, parsed(t, fmt.Sprintf(`count("open") = %d`, round+1))); err != nil || n != 3000 {
				t.Errorf("round %d is answered %d, %v", round, n, err)
			}
			v.Close()
			if n, err := held.Count(ctx, parsed(t, `count("open") = 1 and tag("even")`)); err != nil || n != 1500 {
				t.Errorf("a view held for %d rounds counts %d, %v", round, n, err)
			}
		}
		for i := range cids.Len() {
			slowly = append(slowly, cids.At(i))
		}
		return nil
	})
	if err != nil || !slices.Equal(slowly, want) {
		t.Errorf("read slowly %d CIDs, at first %d: %v", len(slowly), len(want), err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if s, err := a.Status(); err != nil || time.Now().After(deadline) {
			t.Fatalf("nothing is saved while a view is held: %+v, %v", s, err)
		} else if s.CheckpointPosition > first {
			break
		}
	}
	held.Close()
	if n := selection.Count(); n != 1500 {
		t.Errorf("the selection has %d after its view is closed", n)
	}
}
