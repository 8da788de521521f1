package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScorings holds that scorings are kept in their order, whatever becomes of the versions, that one that was being written at a crash
// counts for nothing wherever it was cut, and that damage is told.
func TestScorings(t *testing.T) {
	dir := t.TempDir()
	r := At(dir)
	made := func(version, cutoff string) Scoring {
		return Scoring{Version: version, Identity: "a" + version, Cutoff: cutoff, HorizonDays: 30, At: time.Date(2026, 3, 1, 0, 5, 0, 0, time.UTC), CIDs: 7, Probability: 0.25}
	}
	if got, err := r.Scorings("churn"); got != nil || err != nil {
		t.Fatalf("of no model: %v, %v", got, err)
	}
	if _, err := r.Scorings("../churn"); reasonOf(err) != ModelNameWrong {
		t.Error(err)
	}
	if err := r.AddScoring("churn", made("1", "2026-03-01")); reasonOf(err) != ModelUnknown {
		t.Errorf("a scoring of no model: %v", err)
	}
	add(t, r, "churn")
	path := filepath.Join(dir, "churn", scoringsFile)
	first, second := made("1", "2026-03-01"), made("2", "2026-03-02")
	if err := r.AddScoring("churn", first); err != nil {
		t.Fatal(err)
	}
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddScoring("churn", second); err != nil {
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
		if got, err := r.Scorings("churn"); err != nil || len(got) != 1 || got[0] != first {
			t.Fatalf("cut at %d: %v, %v", cut, got, err)
		}
		if err := r.AddScoring("churn", second); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Scorings("churn"); err != nil || len(got) != 2 || got[1] != second {
			t.Fatalf("cut at %d, and written again: %v, %v", cut, got, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "churn", "1")); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Scorings("churn"); err != nil || len(got) != 2 {
		t.Errorf("without the version: %v, %v", got, err)
	}
	for _, bad := range []string{"{}", "x", `{"version":"1","identity":"a","cutoff":"soon","horizon_days":3,"at":"2026-03-01T00:00:00Z","cids":1,"probability":0.5}`,
		`{"version":"1","identity":"a","cutoff":"2026-03-01","horizon_days":3,"at":"2026-03-01T00:00:00Z","cids":1,"probability":1.5}`} {
		if err := os.WriteFile(path, []byte(bad+"\n"+string(both)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Scorings("churn"); reasonOf(err) != ModelDamaged || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
