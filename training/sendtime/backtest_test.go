package sendtime

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// newApp makes an app of events.
func newApp(t testing.TB, now time.Time, next func() (batch.Event, bool)) *segments.App {
	t.Helper()
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := home.CreateApp("", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for more := true; more; {
		r, err := app.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 16384 {
				e, ok := next()
				if !ok {
					more = false
					return nil
				}
				b.Event(i, e)
			}
			return nil
		}})
		if err != nil || len(r.Rejects) > 0 {
			t.Fatal(err, r.Rejects)
		}
		last = r.Position
	}
	v, err := app.View(context.Background(), segments.ReadOptions{AtLeastPosition: last})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	return app
}

// simulatedApp holds what happened in a simulated app before a moment.
func simulatedApp(t testing.TB, s *simulated, days int, before int64) *segments.App {
	t.Helper()
	names := [...]string{rhythm.Engaged: "open", rhythm.Received: "push.sent", rhythm.Displayed: "push.displayed", rhythm.Clicked: "push.clicked"}
	person, at := 0, 0
	return newApp(t, time.Unix(int64(simulatedFirst+days+2)*86400, 0), func() (batch.Event, bool) {
		for person < len(s.events) {
			if at == len(s.events[person]) {
				person, at = person+1, 0
				continue
			}
			e := s.events[person][at]
			at++
			if e.Seconds < before {
				return batch.Event{CID: fmt.Sprintf("cid-%04d", person), Name: names[e.Kind], TimeMillis: e.Seconds * 1000, OffsetMinutes: int64(e.OffsetMinutes)}, true
			}
		}
		return batch.Event{}, false
	})
}

func readRows(t testing.TB, text string) map[[2]string][model.Hours]float64 {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[[2]string][model.Hours]float64{}
	for _, cells := range all[1:] {
		var p [model.Hours]float64
		for h := range p {
			if p[h], err = strconv.ParseFloat(cells[2+h], 64); err != nil {
				t.Fatal(err)
			}
		}
		rows[[2]string{cells[0], cells[1]}] = p
	}
	if len(rows) != len(all)-1 {
		t.Fatalf("%d rows of %d days", len(all)-1, len(rows))
	}
	return rows
}

func TestBacktest(t *testing.T) {
	const days, from, cut = 70, 44, 60
	s := newSimulated(3, 150)
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	run := func(app *segments.App) (*Report, string) {
		var rows bytes.Buffer
		r, err := Backtest(context.Background(), app, Options{From: simulatedFirst + from, Rows: &rows})
		if err != nil {
			t.Fatal(err)
		}
		return r, rows.String()
	}
	report, text := run(simulatedApp(t, s, days, math.MaxInt64))
	rows := readRows(t, text)

	t.Run("figures are those of the rows", func(t *testing.T) {
		var all tally
		for person, events := range s.events {
			var sum personSum
			for _, a := range rhythm.ActiveDays(events, nil) {
				if a.Day < simulatedFirst+from {
					continue
				}
				p, found := rows[[2]string{fmt.Sprintf("cid-%04d", person), propensity.Day(a.Day).String()}]
				if !found {
					t.Fatalf("no row for %d on %d", person, a.Day)
				}
				o, _ := obviousOutcome(&p, a.Hours)
				sum.add(o)
			}
			all.take(&sum)
		}
		f := all.figures()
		if f.Days != len(rows) || f.Days != report.Days || f.HitAt1 != report.HitAt1 || f.HitAt3 != report.HitAt3 || math.Abs(f.LogLoss-report.LogLoss) > 1e-12 {
			t.Errorf("%+v of %d rows, reported %+v", f, len(rows), report.Figures)
		}
	})
	t.Run("nothing later is known", func(t *testing.T) {
		_, text := run(simulatedApp(t, s, days, int64(simulatedFirst+cut)*86400))
		earlier := readRows(t, text)
		for key, p := range earlier {
			if rows[key] != p {
				t.Fatalf("%v: %v, with later days %v", key, p, rows[key])
			}
		}
		whole := propensity.Day(simulatedFirst + cut - 2).String()
		for key := range rows {
			if _, found := earlier[key]; !found && key[1] <= whole {
				t.Errorf("%v is not predicted", key)
			}
		}
	})
	t.Run("a sample is of whole CIDs", func(t *testing.T) {
		var text bytes.Buffer
		r, err := Backtest(context.Background(), simulatedApp(t, s, days, math.MaxInt64), Options{From: simulatedFirst + from, Rows: &text, MostJudged: report.Days / 2})
		if err != nil {
			t.Fatal(err)
		}
		sample, of, all := readRows(t, text.String()), map[string]int{}, map[string]int{}
		for key, p := range sample {
			of[key[0]]++
			if rows[key] != p {
				t.Fatalf("%v: %v, of all %v", key, p, rows[key])
			}
		}
		for key := range rows {
			all[key[0]]++
		}
		for cid, n := range of {
			if all[cid] != n {
				t.Errorf("%d of the %d days of %s", n, all[cid], cid)
			}
		}
		if share := float64(r.Days) / float64(report.Days); r.JudgedShare < 0.35 || r.JudgedShare > 0.65 || math.Abs(share-r.JudgedShare) > 0.15 || report.JudgedShare != 1 {
			t.Errorf("%v of the CIDs, %v of the days; without a bound %v", r.JudgedShare, share, report.JudgedShare)
		}
	})
	t.Run("it learns", func(t *testing.T) {
		if !report.Gate.Passed || !report.Fit.Trained {
			t.Errorf("%+v %+v", report.Gate, report.Fit)
		}
		if a := report.ActiveDay; a.Days == 0 || a.LogLoss >= a.BaseLogLoss || math.Abs(a.Active-a.Predicted) > 0.05 {
			t.Errorf("%+v", a)
		}
		if report.CalibrationError > 0.02 || report.DayAhead.Days != report.Days {
			t.Errorf("%v, %+v", report.CalibrationError, report.DayAhead)
		}
		n := 0
		for _, e := range report.ByEvidence {
			n += e.Days
		}
		if n != report.Days {
			t.Errorf("%d days by evidence, %d in all", n, report.Days)
		}
	})
	t.Run("the page needs nothing else", func(t *testing.T) {
		var page bytes.Buffer
		if err := report.HTML(&page); err != nil {
			t.Fatal(err)
		}
		for _, no := range []string{"http://", "https://", "<script", "NaN", "Inf", "%!", "ZgotmplZ"} {
			if strings.Contains(page.String(), no) {
				t.Errorf("the page has %q", no)
			}
		}
		for _, yes := range []string{"When each zone is active", "How many hours it takes", "What a history is worth", "cid-0", "</html>"} {
			if !strings.Contains(page.String(), yes) {
				t.Errorf("the page lacks %q", yes)
			}
		}
	})
	t.Run("programs read it", func(t *testing.T) {
		text, err := report.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]any
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"hit_at_1", "hit_at_3", "log_loss", "days", "users_equal", "day_ahead", "by_evidence", "baselines", "active_day"} {
			if _, found := read[key]; !found {
				t.Errorf("no %s in %v", key, read)
			}
		}
	})
}

func TestTrain(t *testing.T) {
	const days = 60
	s := newSimulated(4, 150)
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	steps := 0
	r, err := Train(context.Background(), simulatedApp(t, s, days, math.MaxInt64), Options{Version: "2", CreatedAt: time.Unix(2e9, 0), Progress: func(Progress) { steps++ }})
	if err != nil {
		t.Fatal(err)
	}
	file, err := r.Artifact.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := model.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if read.Version != "2" || !read.Model.Trained || read.Training.CIDs != 150 || read.Metrics["hit_at_1"] != r.Report.HitAt1 || steps == 0 {
		t.Errorf("%+v, %d steps", read.Training, steps)
	}
	// Where clocks are behind, the last evening is the app's next day: there are 61, and 12 are a fifth.
	if want := propensity.Day(simulatedFirst + days + 1 - 12).String(); r.Report.From != want {
		t.Errorf("judged from %s on, want %s", r.Report.From, want)
	}
}

func TestWhatCannotBeJudged(t *testing.T) {
	s := newSimulated(5, 20)
	for day := range int32(10) {
		s.live(simulatedFirst + day)
	}
	app := simulatedApp(t, s, 10, math.MaxInt64)
	empty := newApp(t, time.Unix(2e9, 0), func() (batch.Event, bool) { return batch.Event{}, false })
	judge := func(app *segments.App, o Options) error {
		_, err := Backtest(context.Background(), app, o)
		return err
	}
	for _, c := range []struct {
		err  error
		says string
	}{
		{judge(app, Options{From: simulatedFirst - 5}), "must be later than the first day"},
		{judge(app, Options{From: simulatedFirst + 20}), "no activity on"},
		{judge(app, Options{From: simulatedFirst + 5, Source: rhythm.Source{Engaged: []string{"opne"}}}), "nobody has done \"opne\" yet"},
		{judge(empty, Options{From: simulatedFirst}), "no events yet"},
		{judge(app, Options{From: simulatedFirst + 5, MostSamples: 3}), "makes no sense"},
		{func() error { _, err := Train(context.Background(), app, Options{Version: "1"}); return err }(), "at least 14 are needed"},
	} {
		var option *OptionError
		if !errors.As(c.err, &option) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%v, want %q", c.err, c.says)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Backtest(ctx, app, Options{From: simulatedFirst + 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if r, err := Backtest(context.Background(), app, Options{From: simulatedFirst + 5}); err != nil || r.Fit.Trained {
		t.Errorf("five days of twenty CIDs: %v, %+v", err, r)
	}
}

// TestReferenceFigures: what gradient boosting with the same columns reaches on commit times of public repositories.
func TestReferenceFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	app := newApp(t, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), commits(t))
	r, err := Backtest(context.Background(), app, Options{From: propensity.Day(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400), Source: rhythm.Source{Engaged: []string{"commit"}}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Days != 23_804 || r.HitAt1 < 0.1425 || r.HitAt3 < 0.352 || r.LogLoss > 0.2091 {
		t.Errorf("%+v", r.Figures)
	}
	if a := r.DayAhead; a.HitAt1 < 0.140 || a.HitAt3 < 0.350 || a.LogLoss > 0.2099 {
		t.Errorf("a day ahead: %+v", a.Figures)
	}
}

// commits reads the commit times that lie beside the project, or skips the test where they do not.
func commits(t *testing.T) func() (batch.Event, bool) {
	t.Helper()
	f, err := os.Open(sharedData(t, "git_commits.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	return func() (batch.Event, bool) {
		for {
			row, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return batch.Event{}, false
			}
			if err != nil {
				t.Fatal(err)
			}
			seconds, err := strconv.ParseInt(row[1], 10, 64)
			offset, err2 := strconv.ParseInt(row[2], 10, 64)
			if err != nil || err2 != nil {
				t.Fatal(row)
			}
			if row[4] == "0" && row[5] == "0" {
				return batch.Event{CID: row[0], Name: "commit", TimeMillis: seconds * 1000, OffsetMinutes: offset}, true
			}
		}
	}
}

// sharedData returns the path of a file of real data, or skips the test where there is none.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s beside the project: the reference figures are not checked", name)
	return ""
}
