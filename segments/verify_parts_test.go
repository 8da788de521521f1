package segments_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
)

// snapshotted makes an app with two snapshots whose log begins after the start, and closes it.
func snapshotted(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	home, a := open(t, dir, snapshotting())
	fill(t, a, 0, 150)
	for deadline := time.Now().Add(20 * time.Second); len(files(t, dir, "snapshots/*.snapshot")) < 2 || strings.HasSuffix(files(t, dir, "log/*.log")[0], "/00000000000000000001.log"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no log was dropped")
		}
		fill(t, a, 150, 151)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "apps/default", name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flipMiddle(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func removed(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyParts(t *testing.T) {
	made := snapshotted(t)
	type finding struct{ part, problem, remedy string }
	for _, c := range []struct {
		name   string
		harm   func(t *testing.T, dir string)
		finds  []finding
		notes  []string
		serves int // snapshots
	}{
		{"nothing", func(t *testing.T, dir string) {}, nil, nil, 2},
		{"newest snapshot flipped", func(t *testing.T, dir string) {
			flipMiddle(t, files(t, dir, "snapshots/*")[1])
		}, []finding{{"snapshots", ".snapshot: snapshot: frame", "delete it"}}, nil, 1},
		{"snapshot emptied and other renamed", func(t *testing.T, dir string) {
			names := files(t, dir, "snapshots/*")
			if err := os.Truncate(names[0], 0); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(names[1], strings.TrimSuffix(names[1], filepath.Base(names[1]))+"00000000000000000777.snapshot"); err != nil {
				t.Fatal(err)
			}
		}, []finding{
			{"snapshots", "not a snapshot of this format", "delete it"},
			{"snapshots", ", want 777", "delete it"},
			{"log", "no good snapshot says what was before; the index still knows", "--snapshot-bytes 1"},
		}, nil, 0},
		{"no snapshots", func(t *testing.T, dir string) {
			removed(t, filepath.Join(dir, "apps/default/snapshots"))
		}, []finding{{"log", "no good snapshot says what was before; the index still knows", "keep the index"}}, nil, 0},
		{"no snapshots and no index", func(t *testing.T, dir string) {
			removed(t, filepath.Join(dir, "apps/default/snapshots"), filepath.Join(dir, "apps/default/index"))
		}, []finding{{"log", "nor does the index", "restore the app from a backup"}}, nil, 0},
		{"no snapshots and a damaged index", func(t *testing.T, dir string) {
			removed(t, filepath.Join(dir, "apps/default/snapshots"))
			flipMiddle(t, files(t, dir, "index/*.sst")[0])
		}, []finding{
			{"index", "damaged", "restore the app from a backup"},
			{"log", "nor does the index", "restore the app from a backup"},
		}, nil, 0},
		{"damaged index", func(t *testing.T, dir string) {
			flipMiddle(t, files(t, dir, "index/*.sst")[0])
		}, []finding{{"index", "damaged", "start whowhen once"}}, nil, 2},
		{"half the log", func(t *testing.T, dir string) {
			names := files(t, dir, "log/*.log")
			removed(t, names[len(names)/2:]...)
		}, []finding{{"index", "the log ends at", "if this is a copy"}}, nil, -1},
		{"a hole in the log", func(t *testing.T, dir string) {
			removed(t, files(t, dir, "log/*.log")[1])
		}, []finding{{"log", "the file is missing", "restore the app from a backup"}}, nil, 2},
		{"settings gone", func(t *testing.T, dir string) {
			removed(t, filepath.Join(dir, "apps/default/app.json"))
		}, []finding{{"app", "app.json", "restore app.json from a backup"}}, nil, 2},
		{"no such zone", func(t *testing.T, dir string) {
			write(t, dir, "app.json", `{"format":1,"zone":"Mars/Olympus"}`)
		}, []finding{{"app", "Mars/Olympus", "mend the zone"}}, nil, 2},
		{"foreign segment", func(t *testing.T, dir string) {
			write(t, dir, "log/copy.log", "x")
		}, []finding{{"log", "copy.log is called as no file of a log is", "move it elsewhere"}}, nil, 2},
		{"foreign files", func(t *testing.T, dir string) {
			write(t, dir, "notes.txt", "x")
			write(t, dir, "app.json.tmp123", "x")
			write(t, dir, "log/README", "x")
			write(t, dir, "snapshots/new.tmp", "x")
			write(t, dir, "snapshots/old", "x")
			write(t, dir, "index/keep.me", "x")
		}, nil, []string{
			"app.json.tmp123 is left over", "notes.txt is none of whowhen's files", "README is none of", "new.tmp is an unfinished snapshot",
			"old is none of", "keep.me is none of whowhen's files, and move it away",
		}, 2},
		{"torn tail", func(t *testing.T, dir string) {
			names := files(t, dir, "log/*.log")
			f, err := os.OpenFile(names[len(names)-1], os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString("WFRM?"); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"the unfinished end of the log was cut off, 5 bytes"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
				t.Fatal(err)
			}
			c.harm(t, dir)
			v := verify(t, dir)
			if len(v.Findings) < len(c.finds) || len(c.finds) == 0 && len(v.Findings) > 0 {
				t.Fatalf("%+v", v.Findings)
			}
			for _, want := range c.finds {
				found := false
				for _, f := range v.Findings {
					found = found || f.Part == want.part && strings.Contains(f.Problem, want.problem) && strings.Contains(f.Remedy, want.remedy)
				}
				if !found {
					t.Errorf("%+v is not in %+v", want, v.Findings)
				}
			}
			if len(v.Notes) != len(c.notes) {
				t.Fatalf("%q", v.Notes)
			}
			for i, want := range c.notes {
				if !strings.Contains(v.Notes[i], want) {
					t.Errorf("%q, want %q", v.Notes[i], want)
				}
			}
			if v.Snapshots != c.serves && c.serves >= 0 {
				t.Errorf("%d good snapshots, want %d", v.Snapshots, c.serves)
			}
		})
	}
	t.Run("no such app", func(t *testing.T) {
		_, err := segments.Verify(t.Context(), made, "shop", segments.Options{}, func(string) {})
		if reasonOf(err) != segments.AppUnknown {
			t.Error(err)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := segments.Verify(ctx, made, "", segments.Options{}, func(string) {}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if v := verify(t, made); len(v.Findings) > 0 || !mark(made) {
			t.Errorf("%+v", v)
		}
	})
}

// TestVerifyTriesTheIndex has an index that another process cannot open.
func TestVerifyTriesTheIndex(t *testing.T) {
	dir, _ := killed(t)
	o := segments.Options{TryIndex: func(context.Context, string) error { return errors.New("signal: segmentation fault") }}
	v, err := segments.Verify(t.Context(), dir, "", o, func(string) {})
	if err != nil || len(v.Findings) != 1 || v.Findings[0].Part != "index" || !strings.Contains(v.Findings[0].Problem, "segmentation fault") {
		t.Errorf("%+v, %v", v, err)
	}
	o.TryIndex = func(context.Context, string) error { return segments.ErrIndexUntried }
	v, err = segments.Verify(t.Context(), dir, "", o, func(string) {})
	if err != nil || len(v.Findings) != 0 || len(v.Notes) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestVerifyCopyOfRunningApp copies the directory file by file while the app writes, saves and drops old log, as cp does. A
// copy may be of no use, but is told of; where only the index is wrong, a start mends it.
func TestVerifyCopyOfRunningApp(t *testing.T) {
	dir := t.TempDir()
	_, a := open(t, dir, snapshotting())
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				fill(t, a, n, n+1)
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	sound, healed, useless := 0, 0, 0
	for round := range 6 {
		copied := filepath.Join(t.TempDir(), "copy")
		for _, part := range [][]string{{"log", "snapshots", "index"}, {"index", "log", "snapshots"}, {"snapshots", "index", "log"}}[round%3] {
			slowCopy(t, filepath.Join(dir, "apps/default", part), filepath.Join(copied, "apps/default", part))
			time.Sleep(30 * time.Millisecond)
		}
		slowCopy(t, filepath.Join(dir, "apps/default/app.json"), filepath.Join(copied, "apps/default/app.json"))
		v := verify(t, copied)
		parts := map[string]bool{}
		for _, f := range v.Findings {
			if f.Problem == "" || f.Remedy == "" {
				t.Errorf("%+v", f)
			}
			parts[f.Part] = true
		}
		switch {
		case parts["log"]:
			useless++
			for _, f := range v.Findings {
				if f.Part == "log" && !strings.Contains(f.Remedy, "copy again") && !strings.Contains(f.Remedy, "keep the index") {
					t.Errorf("%+v", f)
				}
			}
			continue
		case len(parts) > 0:
			healed++
		default:
			sound++
		}
		home, copiedApp := open(t, copied, segments.Options{})
		answers(t, copiedApp)
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		if after := verify(t, copied); len(after.Findings) > 0 && !parts["snapshots"] {
			t.Errorf("before a start: %+v, after: %+v", v.Findings, after.Findings)
		}
	}
	t.Logf("%d copies were sound, %d after a start, %d of no use", sound, healed, useless)
}

// slowCopy copies a file or directory whose files may come, grow and go meanwhile.
func slowCopy(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		if err := os.MkdirAll(to, 0o700); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			time.Sleep(2 * time.Millisecond) // so that the app goes on in between
			slowCopy(t, filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
		return
	}
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
