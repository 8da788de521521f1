package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"whowhen.dev/whowhen/serve/plan"
	"whowhen.dev/whowhen/serve/plan/calendar"
)

var update = flag.Bool("update", false, "write the golden files anew")

func embedded(t testing.TB) map[string]*calendar.Calendar {
	t.Helper()
	all, err := calendar.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	calendars := map[string]*calendar.Calendar{}
	for _, c := range all {
		calendars[c.Name()] = c
	}
	return calendars
}

// TestPolicyFaults reads testdata/faults/*.toml, and compares what is said with the file beside it.
func TestPolicyFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.ParsePolicies(filepath.Base(file), text, embedded(t))
		if err == nil {
			t.Errorf("%s has no fault", file)
			continue
		}
		golden := strings.TrimSuffix(file, ".toml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, readErr := os.ReadFile(golden)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestHostilePolicies(t *testing.T) {
	for name, text := range map[string]string{
		"larger than 256 KiB":         strings.Repeat("#", plan.MaxPolicyBytes+1),
		"nested more than 16 deep":    "version = 1\na = " + strings.Repeat("[", 200_000),
		"the most is 200":             "version = 1\n" + policies(201),
		"the most is 100":             "version = 1\n" + strings.Repeat("[[policy.p.quiet]]\nhours=[\"22:00-08:00\"]\n", 101),
		"the tables do not fit":       "[[policy.p.quiet.x]]\n",
		"24":                          "version = 1\n[[policy.p.quiet]]\nhours=[" + strings.Repeat("\"22:00-08:00\",", 25) + "]\n",
		"is no name; one has 1 to 64": "version = 1\n[policy." + strings.Repeat("a", 65) + "]\n",
	} {
		_, err := plan.ParsePolicies("x.toml", []byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func policies(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[policy.p%d]\n", i)
	}
	return b.String()
}

func TestVersionFollowsWhatIsSaid(t *testing.T) {
	days := func(date string) *calendar.Calendar {
		c, err := calendar.ReadCSV("days", strings.NewReader("date\n"+date+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	one := policy(t, "calendars = [\"days\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n", days("2026-01-01"))
	same := policy(t, "# a comment\ncalendars = [\"days\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\non = \"shift\"\n", days("2026-01-01"))
	rule := policy(t, "calendars = [\"days\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:01\"]\n", days("2026-01-01"))
	date := policy(t, "calendars = [\"days\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n", days("2026-01-02"))
	if one.Version() != same.Version() || one.Version() == rule.Version() || one.Version() == date.Version() || one.Name() != "p" {
		t.Errorf("versions %s %s %s %s of %s", one.Version(), same.Version(), rule.Version(), date.Version(), one.Name())
	}
}

func TestLibrary(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	folder := fstest.MapFS{
		"policies.toml":    file("version = 1\n[policy.calm]\ncalendars = [\"holidays\", \"ours\", \"feasts\"]\n"),
		"ours.csv":         file("date,name\n2026-07-01,Founders' day\n"),
		"feasts.FR.ics":    file("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260714\nEND:VEVENT\nEND:VCALENDAR\n"),
		"README.md":        file("not read"),
		".hidden.toml":     file("not read"),
		"folder/more.toml": file("not read"),
	}
	l, err := plan.OpenLibrary(folder)
	if err != nil {
		t.Fatal(err)
	}
	names := func() (all []string) {
		for _, p := range l.Policies() {
			all = append(all, p.Name())
		}
		for _, c := range l.Calendars() {
			all = append(all, c.Name())
		}
		return all
	}
	want := []string{"calm", "default", "none", "ramadan", "feasts", "holidays", "ours", "ramadan"}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Error(diff)
	}
	calm, err := l.Policy("calm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Policy("loud"); err == nil || err.Error() != `there is no policy "loud"; there are calm, default, none, ramadan` {
		t.Error(err)
	}

	folder["ours.csv"] = file("date\nyesterday\n")
	if err := l.Reload(); err == nil || !strings.HasPrefix(err.Error(), "ours.csv: calendar ours: line 2: date: ") {
		t.Error(err)
	}
	if again, _ := l.Policy("calm"); again != calm {
		t.Error("a fault changed the policy")
	}
	folder["ours.csv"] = file("date\n2026-07-02\n")
	folder["holidays.csv"] = file("date\n2026-07-02\n")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	if again, _ := l.Policy("calm"); again.Version() == calm.Version() {
		t.Error("the new calendar did not change the policy's version")
	}

	for name, text := range map[string]string{"ours.ics": "", "more.toml": "version = 1\n[policy.calm]\n", "a b.csv": "date\n", "x.France.ics": "BEGIN:VCALENDAR\nEND:VCALENDAR\n"} {
		folder[name] = file(text)
		err := l.Reload()
		delete(folder, name)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := plan.OpenLibrary(nil); err != nil {
		t.Error(err)
	}
	if _, err := plan.OpenLibrary(os.DirFS(filepath.Join(t.TempDir(), "none"))); err != nil {
		t.Error(err)
	}
}

func FuzzParsePolicies(f *testing.F) {
	text, err := os.ReadFile("default.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("version = 1\n[policy.p]\nquiet = [{hours = [\"22:00-08:00\"], days = [\"mon\"], countries = [\"DE\"], on = \"drop\"}]\n")
	f.Add("version = 1\n[[policy.p.season]]\ncalendar = \"ramadan\"\nfasting_factor = nan\n")
	f.Add("version = 1\n[policy.\"a.b\".weekend]\n")
	f.Add("[[policy.p.quiet.hours]]\n")
	calendars := embedded(f)
	f.Fuzz(func(t *testing.T, text string) {
		policies, err := plan.ParsePolicies("x.toml", []byte(text), calendars)
		if err != nil {
			return
		}
		for name, p := range policies {
			if p.Name() != name || p.Version() == "" {
				t.Fatalf("%q is %q, version %q", name, p.Name(), p.Version())
			}
			checkPlans(t, p)
		}
	})
}
