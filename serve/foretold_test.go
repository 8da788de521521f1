package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// TestForetold holds that what is judged is what was told at the time by the version that was active, whatever became active since, and
// that what the present version would have said stands apart from it.
func TestForetold(t *testing.T) {
	y := newYears(t, 20)
	if c := y.check(""); len(c.Foretold) > 0 {
		t.Errorf("foretold before anything was: %v", c.Foretold)
	}
	type scoring struct {
		version string
		cutoff  propensity.Day
		told    map[string]float64
	}
	var scorings []scoring
	take := func(version string) {
		t.Helper()
		y.score()
		scorings = append(scorings, scoring{version, y.day(), y.told()})
	}
	y.activate("1")
	take("1")
	y.live(1)
	y.activate("2") // before that day's scoring
	take("2")
	y.live(1)
	take("2")
	if _, err := y.models.Rollback(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "churn"})); err != nil {
		t.Fatal(err)
	}
	take("1") // the same day again, and the last of it counts
	y.live(29)
	take("1")
	y.activate("3")
	y.live(1)
	take("3") // the scoring of the second version is as old as the horizon, less two days
	recorded, err := modelDir(y.app).Scorings("churn")
	if err != nil || len(recorded) != len(scorings) {
		t.Fatalf("%d scorings are on record, want %d: %v", len(recorded), len(scorings), err)
	}
	for i, s := range scorings {
		r := recorded[i]
		if r.Version != s.version || r.Cutoff != s.cutoff.String() || r.CIDs != uint64(len(s.told)) || math.Abs(r.Probability-mean(s.told)) > 1e-9 || r.HorizonDays != 30 || r.At.Format(time.DateOnly) != s.cutoff.String() {
			t.Errorf("scoring %d is on record as %+v; it was of version %s for %s, %d CIDs, mean %v", i, r, s.version, s.cutoff, len(s.told), mean(s.told))
		}
	}

	// The horizon of the third day has just ended, on which version 1 was active again.
	c := y.check("")
	if c.Version != "3" || len(c.Foretold) != 1 || c.Foretold[0].Version != "1" || c.Foretold[0].Cutoff != scorings[3].cutoff.String() {
		t.Fatalf("version %s, foretold %v", c.Version, c.Foretold)
	}
	byDay := map[string]scoring{}
	for _, s := range scorings {
		byDay[s.cutoff.String()] = s // the last of a day
	}
	judged := func(f *whowhenv1.Foretold) scoring {
		t.Helper()
		s := byDay[f.Cutoff]
		if f.Problem != "" || f.Version != s.version || f.Cids != uint64(len(s.told)) || math.Abs(f.Probability-mean(s.told)) > 1e-9 {
			t.Fatalf("judged as %v; it was of version %s, %d CIDs, mean %v", f, s.version, len(s.told), mean(s.told))
		}
		y.compare("foretold for "+f.Cutoff, f.Outcomes, s.told, s.cutoff)
		return s
	}
	judged(c.Foretold[0])

	// A month later the scorings of the first days and the newest stand beside each other.
	y.live(30)
	c = y.check("2")
	if c.Version != "2" || len(c.Foretold) != 2 || c.Foretold[0].Version != "3" || c.Foretold[1].Cutoff != scorings[3].cutoff.String() {
		t.Fatalf("%v", c.Foretold)
	}
	for _, f := range c.Foretold {
		s := judged(f)
		past, _, err := scoreAll(t, y.models, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "2", Read: &whowhenv1.Read{AsOf: encodeTime(time.Unix(int64(s.cutoff)*86400-1, 0))}})
		if err != nil {
			t.Fatal(err)
		}
		y.compare("instead for "+f.Cutoff, f.Instead, past, s.cutoff)
		if f.InsteadSaw != (f.Cutoff < "2026-03-03") {
			t.Errorf("for %s version 2 has seen what came: %v", f.Cutoff, f.InsteadSaw)
		}
	}
	// What is checked by itself has nothing beside it.
	if c = y.check("3"); c.Foretold[0].Version != "3" || len(c.Foretold[0].Instead) > 0 || len(c.Foretold[1].Instead) == 0 {
		t.Errorf("%v", c.Foretold)
	}
	// An earlier day knows of what had ended by then: version 2 was active on the second.
	past := y.checkWith(&whowhenv1.CheckModelRequest{Name: "churn", Version: "3", Read: &whowhenv1.Read{AsOf: encodeTime(y.clock().AddDate(0, 0, -32))}})
	if len(past.Foretold) != 1 || past.Foretold[0].Version != "2" {
		t.Fatalf("%v", past)
	}
	judged(past.Foretold[0])

	// The server looks at the newest alone.
	y.score()
	found := &whowhenv1.ModelCheck{}
	text, err := modelDir(y.app).Check("churn")
	if err == nil {
		err = protojson.Unmarshal(text, found)
	}
	if err != nil || len(found.Foretold) != 1 || found.Foretold[0].Cutoff != c.Foretold[0].Cutoff {
		t.Errorf("%v, %v", found, err)
	}

	// Deactivated, its scores stay judged.
	if _, err := y.models.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: "churn"})); err != nil {
		t.Fatal(err)
	}
	if c = y.check(""); len(c.Foretold) != 2 {
		t.Errorf("%v", c.Foretold)
	}
}

// TestForetoldIsHardToTell holds what is said where what was foretold is not quite, or not at all, to be had.
func TestForetoldIsHardToTell(t *testing.T) {
	y := newYears(t, 20)
	dir := filepath.Join(y.app.Dir(), "models", "churn")
	y.activate("1")
	y.score()
	cutoff, told := y.day(), y.told()
	y.live(30)
	y.activate("3")
	y.score()
	if c := y.check(""); finding(c, "records came later") || c.Foretold[0].Problem != "" {
		t.Errorf("%v", c.Findings)
	}
	// Many had opened who were not known to have.
	y.write(cutoff-1, func(i int) bool { return i%2 == 0 })
	c := y.check("")
	f := c.Foretold[0]
	if f.Cids != uint64(len(told)) || math.Abs(f.Probability-mean(told)) > 1e-9 {
		t.Errorf("%v; told were %d, %v", f, len(told), mean(told))
	}
	if !finding(c, "records came later") {
		t.Errorf("late records are not told of: %v", c.Findings)
	}
	problem := func(what, want string, foretold int) {
		t.Helper()
		c := y.check("")
		if len(c.Foretold) != foretold || !finding(c, want) {
			t.Errorf("%s: %v, %v", what, c.Findings, c.Foretold)
		}
		for _, f := range c.Foretold {
			if !strings.Contains(f.Problem, want) || len(f.Outcomes)+len(f.Instead) > 0 {
				t.Errorf("%s: %v", what, f)
			}
		}
	}
	artifact := func(version string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, version, registry.ArtifactFile))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	put := func(file string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	was := artifact("1")
	put("1/artifact.json", trained(t, "1", 0.9).Artifact)
	problem("another in its place", "another one now", 1)
	put("1/artifact.json", was[:len(was)/2])
	problem("damaged", "not the artifact that was written", 1)
	put("1/artifact.json", was)
	if err := os.Rename(filepath.Join(dir, "1"), filepath.Join(dir, "aside")); err != nil {
		t.Fatal(err)
	}
	problem("removed", "the files of version 1 are not there", 1)
	if err := os.Rename(filepath.Join(dir, "aside"), filepath.Join(dir, "1")); err != nil {
		t.Fatal(err)
	}
	record, err := os.ReadFile(filepath.Join(dir, "scorings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	put("scorings.jsonl", append([]byte("{}\n"), record...))
	problem("a damaged record", "scorings.jsonl cannot be read", 0)
	if c := y.check(""); c.ForetoldProblem == "" || !finding(c, c.ForetoldProblem) {
		t.Errorf("%q, %v", c.ForetoldProblem, c.Findings)
	}
	y.live(1)
	y.score() // all the same
	if _, findings := VerifyModels(y.app.Dir()); len(findings) != 1 || !strings.Contains(findings[0].Remedy, "scorings.jsonl") {
		t.Errorf("%v", findings)
	}
	put("scorings.jsonl", record)
	if _, err := y.app.SetRetention(t.Context(), false, batch.Retention{Name: "open", KeepDays: 10}); err != nil {
		t.Fatal(err)
	}
	y.live(1)
	problem("events are not kept", "not kept for so long", 1)
}

// TestForetoldOff holds that what was foretold wrongly is told of, with what the present version would have said.
func TestForetoldOff(t *testing.T) {
	y := newYears(t, 20)
	y.activate("2")
	y.score()
	for range 31 { // hardly anybody does anything
		y.write(y.day(), func(i int) bool { return i == 0 })
		y.now.Add(86400)
	}
	if c := y.check("2"); !finding(c, "foretold by version 2 were") || !finding(c, "train again") {
		t.Errorf("%v", c.Findings)
	}
	c := y.check("3")
	if !finding(c, "foretold by version 2 were") || !finding(c, "version 3 would have foretold") {
		t.Errorf("%v", c.Findings)
	}
	c.OutcomesCutoff, c.Outcomes = "", nil
	if f := findingsThen(c); len(f) != 1 || !strings.Contains(f[0], "%; version 3 would have foretold") {
		t.Errorf("%v", f)
	}
}

// TestCheckOfDataThatHaveEnded holds that nobody is said to have fallen silent because nothing is loaded any more.
func TestCheckOfDataThatHaveEnded(t *testing.T) {
	y := newYears(t, 20)
	y.live(40)
	y.activate("1")
	last := y.day() - 1
	y.warned(t, 0)
	if c := y.check(""); finding(c, "nothing is known after") || c.OutcomesCutoff != (last+1-30).String() {
		t.Errorf("outcomes of %s, %v", c.OutcomesCutoff, c.Findings)
	}
	y.now.Add(2 * 86400)
	if c := y.check(""); finding(c, "nothing is known after") || c.OutcomesCutoff != (last-30).String() { // the last day may be half a day
		t.Errorf("outcomes of %s, %v", c.OutcomesCutoff, c.Findings)
	}
	for _, days := range []int64{10, 30, 400} {
		y.now.Store((int64(last)+1+days)*86400 + 3600)
		y.warned(t, days)
		c := y.check("")
		if !finding(c, fmt.Sprintf("nothing is known after %s, %d days before", last, days)) || c.OutcomesCutoff != (last-30).String() || len(c.Foretold) > 0 || finding(c, "distributed") {
			t.Errorf("%d days after the last: outcomes of %s, foretold %v, %v", days, c.OutcomesCutoff, c.Foretold, c.Findings)
		}
	}
}

// warned holds that scores warn of data that ended so many days before the day that they speak of, and of nothing when that is 0.
func (y *years) warned(t *testing.T, days int64) {
	t.Helper()
	some, err := y.models.Score(t.Context(), connect.NewRequest(&whowhenv1.ScoreRequest{Name: "churn", Version: "1", Cids: []string{"x"}}))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := y.models.ScoreAll(t.Context(), connect.NewRequest(&whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Quiet: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	for _, warnings := range [][]*whowhenv1.Warning{some.Msg.Warnings, stream.Msg().Warnings} {
		switch {
		case days == 0 && len(warnings) > 0:
			t.Errorf("warned of %v", warnings)
		case days > 0 && (len(warnings) != 1 || warnings[0].Reason != "DATA_ENDED" || !strings.Contains(warnings[0].Message, fmt.Sprintf("%d days before", days))):
			t.Errorf("%d days after the last: warned of %v", days, warnings)
		}
	}
	for stream.Receive() {
	}
	if stream.Err() != nil {
		t.Fatal(stream.Err())
	}
}

// TestScoringOnRecord holds that a scoring is on record once, also if who published it was killed before that.
func TestScoringOnRecord(t *testing.T) {
	y := newYears(t, 5)
	y.activate("1")
	y.score()
	dir := filepath.Join(y.app.Dir(), "models", "churn")
	scorings := func() []registry.Scoring {
		t.Helper()
		all, err := modelDir(y.app).Scorings("churn")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := scorings()
	if len(want) != 1 {
		t.Fatalf("%v", want)
	}
	for _, file := range []string{"scorings.jsonl", "check.json"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		y.score()
		if err := os.Remove(filepath.Join(dir, "check.json")); err != nil {
			t.Fatal(err)
		}
	}
	if got := scorings(); !slices.Equal(got, want) {
		t.Errorf("on record are %v, want %v", got, want)
	}
	// Somebody scores at a command, through the same server.
	y.live(1)
	for range 2 {
		if _, _, err := scoreAll(t, y.models, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true, Quiet: true, IfDue: true}); err != nil {
			t.Fatal(err)
		}
	}
	if got := scorings(); len(got) != 2 || got[1].Cutoff != y.day().String() {
		t.Errorf("%v", got)
	}
}

// TestCheckEndsSoon holds how often a check goes through everybody, and that it ends wherever it is cancelled.
func TestCheckEndsSoon(t *testing.T) {
	y := newYears(t, 20)
	y.activate("1")
	y.score()
	y.live(30)
	y.activate("2")
	y.score()
	y.live(30)
	base, view, err := asKnown(t.Context(), y.app, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	for _, test := range []struct {
		version        string
		scorings, want int
	}{
		{"2", mostWatched, 2},  // now, and when it spoke
		{"2", mostForetold, 4}, // version 1 before that, and it instead
		{"1", mostForetold, 4},
		{"3", mostForetold, 5}, // both spoke, and it instead of the first
	} {
		m, q, err := loadModel(modelDir(y.app), "churn", test.version)
		if err != nil {
			t.Fatal(err)
		}
		for last := 1; ; last++ {
			ctx, stop := context.WithCancel(t.Context())
			walks := 0 // everybody is in one block
			var done, all uint64
			_, err := check(ctx, view, modelDir(y.app), m, q, test.scorings, scoring.Walk{Rest: func(ctx context.Context) error {
				if walks++; walks == last {
					stop()
				}
				return nil
			}}, func(d, a uint64) error {
				done, all = d, a
				return nil
			})
			stop()
			if err == nil && walks < last {
				if want := uint64(test.want * view.CIDs()); done != want || all != want {
					t.Errorf("version %s, %d scorings: told %d of %d, want %d", test.version, test.scorings, done, all, want)
				}
				if walks != test.want {
					t.Errorf("version %s, %d scorings: it went through everybody %d times, want %d", test.version, test.scorings, walks, test.want)
				}
				break
			}
			if last < test.want && !errors.Is(err, context.Canceled) || last > 20 {
				t.Fatalf("cancelled in round %d: %v", last, err)
			}
		}
	}
}

// TestJudged holds which scorings are judged.
func TestJudged(t *testing.T) {
	of := func(version, cutoff string, horizon int) registry.Scoring {
		return registry.Scoring{Version: version, Cutoff: cutoff, HorizonDays: horizon}
	}
	var daily []registry.Scoring
	first, err := propensity.ParseDay("2026-01-01")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		daily = append(daily, of(fmt.Sprint(i), (first+propensity.Day(i)).String(), 10))
	}
	for _, test := range []struct {
		name     string
		scorings []registry.Scoring
		before   propensity.Day
		want     []string
	}{
		{"none", nil, first, nil},
		{"none has ended", daily, first + 9, nil},
		{"one has", daily, first + 10, []string{"0"}},
		{"horizons overlap", daily, first + 19, []string{"9"}},
		{"a handful", daily, first + 150, []string{"140", "130", "120", "110"}},
		{"the last of a day", []registry.Scoring{of("1", "2026-01-01", 5), of("2", "2026-01-01", 5)}, first + 5, []string{"2"}},
		{"each by its own horizon", []registry.Scoring{of("1", "2026-01-01", 5), of("2", "2026-01-02", 30), of("3", "2026-01-07", 5)}, first + 20, []string{"3", "1"}},
		{"clocks that went back", []registry.Scoring{of("1", "2026-01-20", 5), of("2", "2026-01-10", 5)}, first + 40, []string{"1", "2"}},
	} {
		var got []string
		for _, s := range judged(test.scorings, test.before, mostForetold) {
			got = append(got, s.Version)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
