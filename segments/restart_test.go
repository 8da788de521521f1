package segments_test

import (
	"context"
	"fmt"
	"testing"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestRestartReadsNoFragments holds that an app that was closed in order opens without applying its log again and without reading a fragment: those come
// with the questions that need them, and only those.
func TestRestartReadsNoFragments(t *testing.T) {
	dir := t.TempDir()
	home, a := open(t, dir, segments.Options{})
	for day := range 20 {
		_, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 2000 {
				b.Event(2*i, batch.Event{CID: fmt.Sprint("cid", i), Name: fmt.Sprint("event", i%10), TimeMillis: 1.7e12 + int64(day)*86_400_000, OffsetMinutes: batch.NoOffset})
				b.Tag(2*i+1, batch.TagChange{CID: fmt.Sprint("cid", i), Tag: fmt.Sprint("tag", i%50)})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	_, a = open(t, dir, segments.Options{})
	s, err := a.Status()
	if err != nil {
		t.Fatal(err)
	}
	if s.VisiblePosition != 20 || s.CheckpointPosition != 20 || s.DirtyBytes != 0 || s.CacheMisses != 0 || s.CacheBytes != 0 || s.CIDs != 2000 {
		t.Errorf("opened: %+v", s)
	}
	v, err := a.View(context.Background(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if n, err := v.Count(context.Background(), parsed(t, `tag("tag7")`)); err != nil || n != 40 {
		t.Errorf("%d: %v", n, err)
	}
	after, err := a.Status()
	if err != nil {
		t.Fatal(err)
	}
	if after.CacheMisses == 0 || after.CacheMisses > 3 {
		t.Errorf("one tag read %d fragments", after.CacheMisses)
	}
}
