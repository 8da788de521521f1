package segments_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// TestSnapshotBesideAll holds that a snapshot asked for has everything written before, that it is opened while the app goes on, and that it
// answers as the app did.
func TestSnapshotBesideAll(t *testing.T) {
	dir := t.TempDir()
	home, _ := open(t, dir, segments.Options{})
	app, err := home.CreateApp("shop", "America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	write := func(day int) {
		t.Helper()
		_, err := app.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 500 {
				b.Event(i, batch.Event{CID: fmt.Sprint("cid", i+day), Name: "open", TimeMillis: 1.7e12 + int64(day)*86_400_000, OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	const question = `days("open") >= 3`
	count := func(a *segments.App) uint64 {
		t.Helper()
		v, err := a.View(context.Background(), segments.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		n, err := v.Count(context.Background(), parsed(t, question))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for round := range 3 {
		for day := range 10 {
			write(10*round + day)
		}
		v, err := app.View(context.Background(), segments.ReadOptions{AtLeastPosition: uint64(10 * (round + 1))})
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
		want := count(app)
		path, position, err := app.Snapshot(context.Background())
		if err != nil || position != uint64(10*(round+1)) {
			t.Fatalf("position %d: %v", position, err)
		}
		if again, _, err := app.Snapshot(context.Background()); err != nil || again != path {
			t.Fatalf("asked again: %s, %v", again, err)
		}
		frozen, err := segments.OpenSnapshot(context.Background(), path, t.TempDir(), segments.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := frozen.App("")
		if err != nil {
			t.Fatal(err)
		}
		if got := count(a); got != want || a.Zone().String() != "America/St_Johns" {
			t.Errorf("%d in %s, want %d", got, a.Zone(), want)
		}
		if err := frozen.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// What is no snapshot is refused, and says so.
	other := filepath.Join(dir, "00000000000000000007.snapshot")
	if err := os.WriteFile(other, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, filepath.Join(dir, "missing.snapshot"), dir} {
		if _, err := segments.OpenSnapshot(context.Background(), path, t.TempDir(), segments.Options{}); err == nil {
			t.Errorf("%s was opened", path)
		} else {
			t.Log(err)
		}
	}
}
