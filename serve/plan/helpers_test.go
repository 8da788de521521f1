package plan_test

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/serve/plan"
	"whowhen.dev/whowhen/serve/plan/calendar"
)

func dateOf(day int64) calendar.Date { return calendar.Date(day) }

func zone(t testing.TB, name string) *plan.Zone {
	t.Helper()
	z, err := plan.NewZones().Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// policy reads the policy p of a file that has the version line already, with the calendars that are brought along and others.
func policy(t testing.TB, text string, more ...*calendar.Calendar) *plan.Policy {
	t.Helper()
	all, err := calendar.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	calendars := map[string]*calendar.Calendar{}
	for _, c := range append(all, more...) {
		calendars[c.Name()] = c
	}
	policies, err := plan.ParsePolicies("test.toml", []byte("version = 1\n[policy.p]\n"+text), calendars)
	if err != nil {
		t.Fatal(err)
	}
	return policies["p"]
}

func planner(t testing.TB, m plan.Message, p *plan.Policy) *plan.Planner {
	t.Helper()
	made, err := plan.New(m, p, zone(t, "UTC"))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// curveOf is a curve by class of day and hour.
func curveOf(chance func(class, hour int) float64) *plan.Curve {
	c := new(plan.Curve)
	for class := range c {
		for hour := range c[class] {
			c[class][hour] = plan.ChanceOf(chance(class, hour))
		}
	}
	return c
}

// hashed is a curve of chances that look random and are all different.
func hashed(seed uint64) *plan.Curve {
	return curveOf(func(class, hour int) float64 {
		x := seed ^ uint64(hour)<<40 ^ uint64(class)<<60
		x = (x ^ x>>31) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>29) * 0x94d049bb133111eb
		return float64((x^x>>32)>>11) / (1 << 53) * 0.6
	})
}

// peak is a curve with a chance for some hours and a small one for others.
func peak(chance map[int]float64) *plan.Curve {
	return curveOf(func(_, hour int) float64 {
		if c, ok := chance[hour]; ok {
			return c
		}
		return 0.001
	})
}

// database returns the names of all zones that Go embeds, and their locations, one of each set that never differs.
func database(t *testing.T) (all []string, distinct map[string]*time.Location) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("the go command, which knows where the zone database is, does not run: %v", err)
	}
	file := filepath.Join(strings.TrimSpace(string(out)), "lib", "time", "zoneinfo.zip")
	z, err := zip.OpenReader(file)
	if err != nil {
		if os.IsNotExist(err) {
			t.Skipf("the zone database of Go is not at %s", file)
		}
		t.Fatal(err)
	}
	defer z.Close()
	distinct = map[string]*time.Location{}
	seen := map[string]bool{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		loc, err := time.LoadLocationFromTZData(f.Name, text)
		if err != nil {
			continue // not a zone
		}
		all = append(all, f.Name)
		if !seen[string(text)] {
			seen[string(text)] = true
			distinct[f.Name] = loc
		}
	}
	slices.Sort(all)
	if len(all) < 400 {
		t.Fatalf("only %d zones in %s", len(all), file)
	}
	return all, distinct
}

// transitions returns when a zone's offset changes from 1970 to 2037.
func transitions(loc *time.Location) []int64 {
	var all []int64
	at, end := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	for {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return all
		}
		_, before := next.Add(-time.Second).In(loc).Zone()
		if _, after := next.In(loc).Zone(); before != after {
			all = append(all, next.Unix())
		}
		at = next
	}
}
