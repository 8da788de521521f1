package segments_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
)

// TestIndexDamage harms the index of an app that was closed, or was killed, and asks again. Set WHOWHEN_DAMAGE_ROUNDS to
// how often.
func TestIndexDamage(t *testing.T) {
	rounds := 24
	if text := os.Getenv("WHOWHEN_DAMAGE_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	w := plainWorld(t, "Europe/London", "2024-04-02T10:00:00Z", segments.Options{CheckpointBytes: 1})
	w.words = someWords(w.rng, w.clock.now())
	w.cids = someCIDs(w.rng, 60)
	for range 5 {
		w.write(w.someRecords(200), false)
	}
	w.compare(20)
	healed := 0
	for round := range rounds {
		before := w.everyone()
		if round%2 == 0 {
			if err := w.home.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			w.kill()
		}
		what := w.harm(filepath.Join(w.dir, "apps", "default", "index"))
		var err error
		if w.home, err = segments.OpenHome(w.dir, w.options); err != nil {
			t.Fatal(err)
		}
		if w.app, err = w.home.App(""); err != nil {
			t.Fatalf("round %d, %s: %v", round, what, err)
		}
		if status, err := w.app.Status(); err == nil && status.Recovery != "" {
			healed++
		}
		if after := w.everyone(); len(after) != len(before) {
			t.Fatalf("round %d, %s: %d CIDs, before %d", round, what, len(after), len(before))
		}
		w.compare(10)
		if t.Failed() {
			t.Fatalf("round %d, %s", round, what)
		}
		if round < 24 || round%50 == 0 {
			w.write(w.someRecords(20), true)
		}
	}
	t.Logf("%d rounds, the index was built again in %d of them", rounds, healed)
}

// kill goes on with a copy of the directory as it is while the app runs, which is what a kill leaves.
func (w *world) kill() {
	w.t.Helper()
	for wait := 1; ; wait++ {
		status, err := w.app.Status()
		if err != nil {
			w.t.Fatal(err)
		}
		if status.CheckpointPosition == status.DurablePosition {
			break
		}
		if wait%300 == 0 {
			w.write(w.someRecords(1), true) // the last one brought nothing new, and so nothing to save
		}
		if wait > 20_000 {
			w.t.Fatal("no checkpoint came")
		}
		time.Sleep(time.Millisecond)
	}
	w.abandon()
}

// abandon closes the app and goes on with a copy of its directory from before.
func (w *world) abandon() {
	w.t.Helper()
	copied := filepath.Join(w.t.TempDir(), "copy")
	// Files come and go while the app makes a checkpoint.
	err := os.CopyFS(copied, os.DirFS(w.dir))
	for tries := 0; errors.Is(err, fs.ErrNotExist) && tries < 100; tries++ {
		if err = os.RemoveAll(copied); err == nil {
			err = os.CopyFS(copied, os.DirFS(w.dir))
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.home.Close(); err != nil {
		w.t.Fatal(err)
	}
	if err := os.RemoveAll(w.dir); err != nil {
		w.t.Fatal(err)
	}
	w.dir = copied
}

// crash goes on with a copy of the directory that was made while the app ran, and perhaps in the middle of a
// checkpoint, and with a damaged index if so asked.
func (w *world) crash(damaged bool) {
	w.t.Helper()
	before := w.everyone()
	w.abandon()
	if damaged {
		w.harm(filepath.Join(w.dir, "apps", "default", "index"))
	}
	w.reopen()
	if after := w.everyone(); !slices.Equal(before, after) {
		w.t.Fatalf("the order of CIDs is another after a crash: %d before, %d after", len(before), len(after))
	}
}

// harm does something to a file of the index.
func (w *world) harm(index string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(index, "*"))
	if err != nil || len(files) == 0 {
		w.t.Fatal("no files in the index", err)
	}
	name := pick(w.rng, files)
	data, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	what := pick(w.rng, []string{"removed", "emptied", "halved", "flipped", "zeroed"})
	switch {
	case what == "removed" || len(data) == 0:
		err = os.Remove(name)
	case what == "emptied":
		err = os.WriteFile(name, nil, 0o600)
	case what == "halved":
		err = os.WriteFile(name, data[:len(data)/2], 0o600)
	case what == "flipped":
		data[w.rng.IntN(len(data))] ^= 1 << w.rng.IntN(8)
		err = os.WriteFile(name, data, 0o600)
	case what == "zeroed":
		clear(data[len(data)/2:])
		err = os.WriteFile(name, data, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return filepath.Base(name) + " " + what
}

// TestIndexNewerThanLog loses the end of the log, as a restored backup may, but not of the index.
func TestIndexNewerThanLog(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	app := filepath.Join(w.dir, "apps", "default")
	w.mustWrite(events("open", "a", 3))
	if err := w.home.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(w.dir, "kept"), os.DirFS(filepath.Join(app, "log"))); err != nil {
		t.Fatal(err)
	}
	open := func() {
		t.Helper()
		var err error
		if w.home, err = segments.OpenHome(w.dir, w.options); err != nil {
			t.Fatal(err)
		}
		if w.app, err = w.home.App(""); err != nil {
			t.Fatal(err)
		}
	}
	open()
	w.mustWrite(events("open", "b", 4))
	if n := w.count("everyone", time.Time{}); n != 7 {
		t.Fatalf("%d CIDs", n)
	}
	if err := w.home.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(app, "log")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(app, "log"), os.DirFS(filepath.Join(w.dir, "kept"))); err != nil {
		t.Fatal(err)
	}
	open()
	w.position = 0
	if n := w.count("everyone", time.Time{}); n != 3 {
		t.Errorf("%d CIDs, want the 3 of the log", n)
	}
	if status, err := w.app.Status(); err != nil || status.Recovery == "" {
		t.Errorf("status says nothing of the recovery: %+v %v", status, err)
	}
	w.mustWrite(events("open", "c", 2))
	if n := w.count("everyone", time.Time{}); n != 5 {
		t.Errorf("%d CIDs, want 5", n)
	}
}
