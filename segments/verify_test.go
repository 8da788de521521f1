package segments_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// smallApp makes an app with something of everything and closes it.
func smallApp(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	home, err := segments.OpenHome(dir, segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := home.CreateApp("", "America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2006, 10, 20, 0, 0, 0, 0, time.UTC)
	for n := range 5 {
		_, err := a.Write(context.Background(), segments.WriteRequest{BatchID: fmt.Sprint(n), Build: func(b *batch.Builder) error {
			for i := range 40 {
				cid := fmt.Sprintf("cid %d", i*(n+1)%60)
				at := start.Add(time.Duration(n*i) * 7 * time.Hour).UnixMilli()
				b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: at, OffsetMinutes: batch.NoOffset, ID: fmt.Sprint(i % 3), Properties: []batch.Named{
					{Name: "kind", Value: value.Text(fmt.Sprint(i % 4))}, {Name: "n", Value: value.Num(value.Int(int64(i)))},
				}})
				b.Tag(i, batch.TagChange{CID: cid, Tag: "vip", TimeMillis: batch.NoTime, ExpiresMillis: int64(i) * 1e10})
				b.Profile(i, batch.ProfileChange{CID: cid, TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "city", Value: value.Text(cid)}}})
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
	return dir
}

func verify(t *testing.T, dir string) segments.Verified {
	t.Helper()
	v, err := segments.Verify(context.Background(), dir, "", segments.Options{}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifySoundApp(t *testing.T) {
	v := verify(t, smallApp(t))
	if len(v.Findings) > 0 || v.Batches != 5 || v.Records != 600 || v.LogPosition != 5 || v.IndexPosition != 5 || v.CIDs == 0 {
		t.Fatalf("%+v", v)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	flip := func(pattern string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			names, err := filepath.Glob(filepath.Join(dir, "apps", "default", pattern))
			if err != nil || len(names) == 0 {
				t.Fatalf("%s: %v, %v", pattern, names, err)
			}
			data, err := os.ReadFile(names[0])
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 4
			if err := os.WriteFile(names[0], data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(pattern string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "apps", "default", pattern)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		part   string
		says   string
	}{
		{"flipped log", flip("log/*.log"), "log", "byte"},
		{"flipped table", flip("index/*.sst"), "index", "damaged"},
		{"lost log", remove("log"), "index", "the log ends at 0"},
		{"lost zone", flip("app.json"), "app", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallApp(t)
			c.damage(t, dir)
			v := verify(t, dir)
			for _, f := range v.Findings {
				if f.Part == c.part && strings.Contains(f.Problem, c.says) && f.Remedy != "" {
					return
				}
			}
			t.Fatalf("%+v", v.Findings)
		})
	}
	t.Run("lost index is no damage", func(t *testing.T) {
		dir := smallApp(t)
		remove("index")(t, dir)
		if v := verify(t, dir); len(v.Findings) > 0 {
			t.Fatalf("%+v", v.Findings)
		}
	})
}
