package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
)

// artifact returns a small model that was fitted to something.
func artifact(t testing.TB, name, version string) []byte {
	t.Helper()
	const rows = 2000
	table := models.Table{Columns: []models.Column{{Name: "tenure"}}, Values: [][]float32{make([]float32, rows)}, Label: make([]bool, rows)}
	for i := range rows {
		table.Values[0][i] = float32(i * 7919 % 100)
		table.Label[i] = (i*104729%100)+int(table.Values[0][i]) > 100
	}
	r, err := models.Fit(t.Context(), table, models.Options{Seed: 1, Penalties: []float64{1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &models.Artifact{Name: name, Version: version, Created: time.Unix(1.7e9, 0), Model: r.Model, Effects: r.Effects, ColumnBins: r.ColumnBins, ScoreBins: r.ScoreBins}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func add(t testing.TB, r Registry, name string) Version {
	t.Helper()
	v, err := r.Add(name, func(v Version) (Content, error) {
		return Content{Artifact: artifact(t, name, v), Report: []byte("report " + v), ReportJSON: []byte("{}")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func reasonOf(err error) segments.Reason {
	known := new(segments.Error)
	if errors.As(err, &known) {
		return known.Reason
	}
	return ""
}

func TestVersions(t *testing.T) {
	r := At(filepath.Join(t.TempDir(), "models"))
	if names, err := r.Names(); err != nil || names != nil {
		t.Fatalf("%v, %v in no directory", names, err)
	}
	if _, err := r.Versions("churn"); reasonOf(err) != ModelUnknown {
		t.Error(err)
	}
	for want := 1; want <= 12; want++ { // 10 comes after 9
		if v := add(t, r, "churn"); v != fmt.Sprint(want) {
			t.Fatalf("version %s, want %d", v, want)
		}
	}
	versions, err := r.Versions("churn")
	if err != nil || len(versions) != 12 || versions[11] != "12" {
		t.Errorf("%v, %v", versions, err)
	}
	a, err := r.Artifact("churn", "12")
	if err != nil || a.Version != "12" {
		t.Fatal(err)
	}
	if _, err := r.Artifact("churn", "13"); reasonOf(err) != VersionUnknown {
		t.Error(err)
	}
	if _, err := r.Artifact("churn", "../churn/1"); reasonOf(err) != VersionUnknown {
		t.Error(err)
	}
	for _, name := range []string{"", "..", "a/b", "Ä", "-x", "X"} {
		if _, err := r.Versions(name); reasonOf(err) != ModelNameWrong {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestAddedAtOnce holds that two processes that add at a time get versions of their own.
func TestAddedAtOnce(t *testing.T) {
	dir := t.TempDir()
	content := artifact(t, "pay", "1") // the registry does not look into it
	const each = 10
	var wait sync.WaitGroup
	got := make([][]Version, 4)
	for i := range got {
		wait.Go(func() {
			for range each {
				v, err := At(dir).Add("pay", func(Version) (Content, error) { return Content{Artifact: content}, nil })
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = append(got[i], v)
			}
		})
	}
	wait.Wait()
	all := slices.Concat(got...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 4*each {
		t.Errorf("%d different versions of %d", n, 4*each)
	}
	left, err := filepath.Glob(filepath.Join(dir, "pay", "new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDamagedArtifact(t *testing.T) {
	dir := t.TempDir()
	r := At(dir)
	add(t, r, "churn")
	path := r.Path("churn", "1", ArtifactFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string][]byte{
		"cut": good[:len(good)/2], "empty": {}, "flipped": slices.Clone(good), "another's": artifact(t, "pay", "1"), "huge": make([]byte, models.MaxArtifactBytes+1),
	}
	damage["flipped"][len(good)/2] ^= 1
	for what, data := range damage {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Artifact("churn", "1"); reasonOf(err) != ModelDamaged || strings.Contains(err.Error(), "models:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestChanges(t *testing.T) {
	dir := t.TempDir()
	r := At(dir)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range 3 {
		add(t, r, "churn")
	}
	expect := func(active, before Version) {
		t.Helper()
		changes, err := r.Changes("churn")
		if err != nil {
			t.Fatal(err)
		}
		if a, b := Active(changes); a != active || b != before {
			t.Errorf("active %q, before %q; want %q and %q", a, b, active, before)
		}
	}
	activate := func(v, previous Version) {
		t.Helper()
		got, err := r.Activate("churn", v, at, "ann", v == "2")
		if err != nil || got != previous {
			t.Fatalf("previous %q, want %q: %v", got, previous, err)
		}
	}
	expect("", "")
	if _, _, err := r.Rollback("churn", at, "ann"); reasonOf(err) != NoneBefore {
		t.Error(err)
	}
	activate("1", "")
	activate("1", "1")
	expect("1", "")
	activate("3", "1")
	activate("2", "3")
	expect("2", "3")
	for _, want := range []struct{ version, previous, before Version }{{"3", "2", "1"}, {"1", "3", ""}} {
		v, p, err := r.Rollback("churn", at, "bob")
		if err != nil || v != want.version || p != want.previous {
			t.Fatalf("%s from %s: %v", v, p, err)
		}
		expect(want.version, want.before)
	}
	if _, err := r.Activate("churn", "4", at, "ann", false); reasonOf(err) != VersionUnknown {
		t.Error(err)
	}
	if previous, err := r.Deactivate("churn", at, "ann"); err != nil || previous != "1" {
		t.Error(previous, err)
	}
	if previous, err := r.Deactivate("churn", at, "ann"); err != nil || previous != "" {
		t.Error(previous, err)
	}
	expect("", "")
	activate("3", "")
	expect("3", "")
	changes, err := r.Changes("churn")
	if err != nil || len(changes) != 7 || changes[2] != (Change{Activated, "2", at, "ann", true}) || changes[4] != (Change{RolledBack, "1", at, "bob", false}) {
		t.Errorf("%v, %v", changes, err)
	}
}

// TestUnfinishedChange holds that a change that was being written at a crash counts for nothing, wherever it was cut, and that the next one is
// whole.
func TestUnfinishedChange(t *testing.T) {
	dir := t.TempDir()
	r := At(dir)
	for range 2 {
		add(t, r, "churn")
	}
	at := time.Unix(1.7e9, 0)
	if _, err := r.Activate("churn", "1", at, "ann", false); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "churn", changesFile)
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Activate("churn", "2", at, "ann", false); err != nil {
		t.Fatal(err)
	}
	both, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(one); cut < len(both); cut++ {
		if err := os.WriteFile(path, both[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		changes, err := r.Changes("churn")
		if active, _ := Active(changes); err != nil || active != "1" {
			t.Fatalf("cut at %d: version %s is active: %v", cut, active, err)
		}
		if _, err := r.Activate("churn", "2", at, "ann", false); err != nil {
			t.Fatal(err)
		}
		if changes, err = r.Changes("churn"); err != nil || len(changes) != 2 {
			t.Fatalf("cut at %d: %v, %v", cut, changes, err)
		}
	}
	if err := os.WriteFile(path, append([]byte("{}\n"), both...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Changes("churn"); reasonOf(err) != ModelDamaged {
		t.Errorf("a line that is no change: %v", err)
	}
}
