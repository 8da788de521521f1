package segments_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// snapshotting are options under which snapshots and dropped log happen after a few kilobytes.
func snapshotting() segments.Options {
	return segments.Options{CheckpointBytes: 1, SnapshotBytes: 1, LogSegmentBytes: 4096, CacheBytes: 100_000}
}

// fill writes batches and returns when the app has saved them.
func fill(t *testing.T, a *segments.App, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		_, err := a.Write(context.Background(), segments.WriteRequest{BatchID: fmt.Sprint(n), Build: func(b *batch.Builder) error {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for i := range 60 {
				cid := fmt.Sprintf("cid %d", random.IntN(300))
				b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: 1.6e12 + random.Int64N(30)*86400000, OffsetMinutes: batch.NoOffset,
					Properties: []batch.Named{{Name: "n", Value: value.Num(value.Int(random.Int64N(9)))}}})
				b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: 1.5e12, Set: []batch.Named{{Name: "city", Value: value.Text(fmt.Sprint(random.IntN(20)))}}})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// answers asks a few questions, for comparing before and after.
func answers(t *testing.T, a *segments.App) string {
	t.Helper()
	status, err := a.Status()
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.View(context.Background(), segments.ReadOptions{AtLeastPosition: status.DurablePosition})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var all []string
	for _, text := range []string{`everyone`, `count("open") >= 20`, `sum("open.n") > 100`, `city = "7"`, `did("open" where n = 3, from 2020-09-13 to 2020-09-20)`} {
		n, err := expr.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		count, err := v.Count(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s: %d", text, count))
	}
	return strings.Join(all, "\n")
}

func open(t *testing.T, dir string, o segments.Options) (*segments.Home, *segments.App) {
	t.Helper()
	home, err := segments.OpenHome(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { home.Close() })
	a, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	return home, a
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "apps", "default", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSnapshotsLetOldLogGo(t *testing.T) {
	dir := t.TempDir()
	home, a := open(t, dir, snapshotting())
	fill(t, a, 0, 150)
	for deadline := time.Now().Add(20 * time.Second); len(files(t, dir, "snapshots/*.snapshot")) < 2 || files(t, dir, "log/*.log")[0] == filepath.Join(dir, "apps/default/log/00000000000000000001.log"); {
		if time.Now().After(deadline) {
			t.Fatalf("no log was dropped: %v, %v", files(t, dir, "snapshots/*"), files(t, dir, "log/*"))
		}
		fill(t, a, 150, 151) // known already; time goes by
		time.Sleep(10 * time.Millisecond)
	}
	fill(t, a, 151, 160)
	want := answers(t, a)
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, dir); len(v.Findings) > 0 {
		t.Fatalf("%+v", v.Findings)
	}
	shots := files(t, dir, "snapshots/*")
	if len(shots) != 2 {
		t.Fatalf("kept %v", shots)
	}
	check := func(step string) {
		t.Helper()
		home, a := open(t, dir, snapshotting())
		if got := answers(t, a); got != want {
			t.Fatalf("%s:\n%s\nwant\n%s", step, got, want)
		}
		result, err := a.Write(context.Background(), segments.WriteRequest{BatchID: "5", Build: func(b *batch.Builder) error { return nil }})
		if err != nil || !result.Repeated {
			t.Fatalf("%s: a batch id was forgotten: %+v, %v", step, result, err)
		}
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
	}
	check("restart")
	index := filepath.Join(dir, "apps/default/index")
	if err := os.RemoveAll(index); err != nil {
		t.Fatal(err)
	}
	check("index deleted")
	if err := os.RemoveAll(index); err != nil {
		t.Fatal(err)
	}
	shots = files(t, dir, "snapshots/*")
	newest := shots[len(shots)-1]
	data, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/3] ^= 1
	if err := os.WriteFile(newest, data, 0o600); err != nil {
		t.Fatal(err)
	}
	check("index deleted, newest snapshot damaged")
}

func TestNoSnapshotServes(t *testing.T) {
	dir := t.TempDir()
	home, a := open(t, dir, snapshotting())
	fill(t, a, 0, 150)
	for deadline := time.Now().Add(20 * time.Second); len(files(t, dir, "snapshots/*.snapshot")) < 2 || strings.HasSuffix(files(t, dir, "log/*.log")[0], "00000001.log"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no log was dropped")
		}
		fill(t, a, 150, 151)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"index", "snapshots"} {
		if err := os.RemoveAll(filepath.Join(dir, "apps/default", path)); err != nil {
			t.Fatal(err)
		}
	}
	home, err := segments.OpenHome(dir, snapshotting())
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if _, err := home.App(""); err == nil || !strings.Contains(err.Error(), "restore the app from a backup") {
		t.Fatalf("opened without the beginning of the log: %v", err)
	}
}
