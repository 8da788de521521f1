package serve

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
)

// years is an app that lives from day to day, with a server that scores it.
type years struct {
	testing.TB
	now    atomic.Int64 // Unix seconds
	server *Server
	app    *segments.App
	models whowhenv1connect.ModelServiceClient
	opened map[string]map[propensity.Day]bool
}

const yearsCIDs = 600

func (y *years) clock() time.Time { return time.Unix(y.now.Load(), 0).UTC() }

func (y *years) day() propensity.Day { return propensity.Day(y.now.Load() / 86400) }

// newYears has lived for some days, and has three versions of a model of churn over 30 days: 1 and 2 go by other columns, 3 says what 1 does.
func newYears(t testing.TB, days int) *years {
	t.Helper()
	y := &years{TB: t, opened: map[string]map[propensity.Day]bool{}}
	y.now.Store(testNow.AddDate(0, 0, -53).Unix()) // the models are of outcomes of February
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: y.clock, CacheBytes: 16 << 20, ClockPatience: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	y.server = New(home, Options{Clock: y.clock})
	y.models = whowhenv1connect.NewModelServiceClient(InProcess(y.server.Handler()), "http://in-process")
	if y.app, err = home.App(""); err != nil {
		t.Fatal(err)
	}
	for range days {
		y.live(1)
	}
	addVersion(t, y.app, func(v string) registry.Content { return trained(t, v, 0.05) })
	addVersion(t, y.app, func(v string) registry.Content { return trained(t, v, 0.06, `recency("open")`) })
	addVersion(t, y.app, func(v string) registry.Content { return trained(t, v, 0.07) })
	return y
}

// live lets days pass, on each of which some open.
func (y *years) live(days int) {
	y.Helper()
	for range days {
		y.write(y.day(), func(i int) bool { return (i*31+int(y.day())*17)%(3+i%40) == 0 })
		y.now.Add(86400)
	}
}

// write has those open on a day of whom who holds.
func (y *years) write(day propensity.Day, who func(i int) bool) {
	y.Helper()
	r, err := y.app.Write(y.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range yearsCIDs {
			if cid := fmt.Sprintf("%032x", i); who(i) {
				b.Event(i, batch.Event{CID: cid, Name: "open", TimeMillis: (int64(day)*86400 + 3600) * 1000, OffsetMinutes: batch.NoOffset})
				if y.opened[cid] == nil {
					y.opened[cid] = map[propensity.Day]bool{}
				}
				y.opened[cid][day] = true
			}
		}
		return nil
	}})
	if err != nil || len(r.Rejects) > 0 {
		y.Fatal(err, r.Rejects)
	}
	v, err := y.app.View(y.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		y.Fatal(err)
	}
	v.Close()
}

func (y *years) activate(version string) {
	y.Helper()
	if _, err := y.models.Activate(y.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: version, Force: true})); err != nil {
		y.Fatal(err)
	}
}

// score has the server look at what is due.
func (y *years) score() {
	y.Helper()
	y.server.scores.round(y.Context(), 24*time.Hour, time.Minute)
	if len(y.server.scores.failed) > 0 {
		y.Fatal("scoring failed")
	}
}

// told are the scores in the store.
func (y *years) told() map[string]float64 {
	y.Helper()
	view, err := y.app.View(y.Context(), segments.ReadOptions{})
	if err != nil {
		y.Fatal(err)
	}
	defer view.Close()
	told := map[string]float64{}
	codes, there := make([]uint16, 1), make([]bool, 1)
	for cid := range y.opened {
		if err := view.ScoreCodes("churn", view.Ordinals([]string{cid}), codes, there); err != nil {
			y.Fatal(err)
		}
		if there[0] {
			told[cid] = segments.ScoreProbability(codes[0])
		}
	}
	return told
}

func (y *years) check(version string) *whowhenv1.ModelCheck {
	y.Helper()
	return y.checkWith(&whowhenv1.CheckModelRequest{Name: "churn", Version: version})
}

// checkWith checks, and holds that it was told how far that was up to the end.
func (y *years) checkWith(request *whowhenv1.CheckModelRequest) *whowhenv1.ModelCheck {
	y.Helper()
	stream, err := y.models.Check(y.Context(), connect.NewRequest(request))
	if err != nil {
		y.Fatal(err)
	}
	defer stream.Close()
	last := &whowhenv1.CheckModelResponse{}
	for stream.Receive() {
		if m := stream.Msg(); last.Found != nil || m.Done < last.Done || m.Done > m.All {
			y.Errorf("%d of %d after %d of %d", m.Done, m.All, last.Done, last.All)
		}
		last = stream.Msg()
	}
	if err := stream.Err(); err != nil || last.Found == nil || last.Done != last.All || last.All == 0 {
		y.Fatalf("%v, %v", last, err)
	}
	return last.Found
}

// compare holds tenths against what was told for a day and what then came.
func (y *years) compare(what string, tenths []*whowhenv1.Outcome, told map[string]float64, cutoff propensity.Day) {
	y.Helper()
	var all []string
	for cid := range told {
		all = append(all, cid)
	}
	slices.SortFunc(all, func(a, b string) int {
		switch {
		case told[a] > told[b]:
			return -1
		case told[a] < told[b]:
			return 1
		}
		return 0
	})
	if len(all) == 0 || len(tenths) == 0 {
		y.Fatalf("%s: %d were told, %d tenths", what, len(all), len(tenths))
	}
	for i, tenth := range tenths {
		n := int(tenth.Cids)
		if n > len(all) {
			y.Fatalf("%s: part %d has %d of %d left", what, i+1, n, len(all))
		}
		sum, positives := 0.0, uint64(0)
		for _, cid := range all[:n] {
			churned := true
			for day := range y.opened[cid] {
				churned = churned && (day < cutoff || day >= cutoff+30)
			}
			if sum += told[cid]; churned {
				positives++
			}
		}
		if positives != tenth.Positives || math.Abs(sum/float64(n)-tenth.Probability) > 1e-9 {
			y.Errorf("%s: part %d has %d positives, %.6f foretold; want %d, %.6f", what, i+1, tenth.Positives, tenth.Probability, positives, sum/float64(n))
		}
		all = all[n:]
	}
	if len(all) > 0 {
		y.Errorf("%s: %d are in no part", what, len(all))
	}
}

func mean(told map[string]float64) (m float64) {
	for _, p := range told {
		m += p / float64(len(told))
	}
	return m
}

func finding(c *whowhenv1.ModelCheck, text string) bool {
	return slices.ContainsFunc(c.Findings, func(f string) bool { return strings.Contains(f, text) })
}
