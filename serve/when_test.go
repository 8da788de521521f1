package serve

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/serve/registry"
)

// sendServer returns a server with 3,000 CIDs in some zones, a seventh of them in none, and some in what is no zone.
func sendServer(t testing.TB) (*segments.App, whowhenv1connect.SendTimeServiceClient, *Server) {
	t.Helper()
	s := newServer(t, Options{})
	app, err := s.home.App("")
	if err != nil {
		t.Fatal(err)
	}
	zones := []string{"Asia/Kathmandu", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "Mars/Olympus", "Pacific/Apia"}
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range 3000 {
			p := batch.ProfileChange{CID: fmt.Sprintf("%032x", i)}
			if i%7 != 0 {
				p.Set = []batch.Named{{Name: "zone", Value: value.Text(zones[i%len(zones)])}, {Name: "country", Value: value.Text("DE")}}
			}
			b.Profile(i, p)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	return app, whowhenv1connect.NewSendTimeServiceClient(InProcess(s.Handler()), "http://in-process"), s
}

// checkWindow fails unless a window keeps what the API promises.
func checkWindow(t testing.TB, w *whowhenv1.SendWindow, from, until time.Time, width time.Duration) {
	t.Helper()
	if !w.Found {
		if w.Choice != nil || len(w.Reasons) == 0 {
			t.Fatalf("no window and no reason: %v", w)
		}
		return
	}
	for _, c := range append([]*whowhenv1.SendChoice{w.Choice}, w.Alternatives...) {
		start, end, at := c.Start.AsTime(), c.End.AsTime(), c.SendAt.AsTime()
		if start.Before(from) || end.After(until) || end.Sub(start) != width || at.Before(start) || !at.Before(end) || c.NotAfter.AsTime().Before(end) {
			t.Fatalf("%v, for %s to %s", w, from, until)
		}
		for _, p := range []float64{c.Probability, c.Engagement} {
			if p < 0 || p > 1 || math.IsNaN(p) {
				t.Fatalf("%v", w)
			}
		}
		for text, at := range map[string]time.Time{c.LocalStart: start, c.LocalEnd: end} {
			if local, err := time.Parse(time.RFC3339, text); err != nil || !local.Equal(at) {
				t.Fatalf("%v: %v", w, err)
			}
		}
	}
}

func TestEverybodyIsAnswered(t *testing.T) {
	_, c, _ := sendServer(t)
	cids := []string{"nobody", fmt.Sprintf("%032x", 7), fmt.Sprintf("%032x", 1), fmt.Sprintf("%032x", 4), fmt.Sprintf("%032x", 3), "nobody"}
	answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids, Message: &whowhenv1.SendMessage{Alternatives: 2, WidthMinutes: 90}}))
	if err != nil || len(answer.Msg.Windows) != len(cids) {
		t.Fatal(answer, err)
	}
	if m := answer.Msg; m.Model.Kind != "PRIOR" || m.Policy != "default" || m.PolicyVersion == "" || m.Position != 1 {
		t.Errorf("%v", m)
	}
	for i, want := range []struct{ zone, from string }{{"UTC", "APP"}, {"UTC", "APP"}, {"America/New_York", "PROFILE"}, {"UTC", "APP"}, {"Australia/Lord_Howe", "PROFILE"}, {"UTC", "APP"}} {
		w := answer.Msg.Windows[i]
		checkWindow(t, w, testNow, testNow.Add(24*time.Hour), 90*time.Minute)
		if w.Cid != cids[i] || w.Zone != want.zone || w.ZoneFrom != want.from || w.Evidence != "PRIOR" || len(w.Decision) != 32 || len(w.Alternatives) != 2 {
			t.Errorf("%v, want %v", w, want)
		}
		if unknown := slices.Contains(w.Reasons, "UNKNOWN_ZONE"); unknown != (want.from == "APP") {
			t.Errorf("%v", w)
		}
	}
	if a, b := answer.Msg.Windows[0], answer.Msg.Windows[5]; a.Decision != b.Decision || !a.Choice.SendAt.AsTime().Equal(b.Choice.SendAt.AsTime()) {
		t.Error("the same question has two answers")
	}
	for bad, why := range map[string]string{"": "empty", "a\x00b": "control character", strings.Repeat("a", 129): "129 bytes"} {
		_, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: []string{"ana", bad}}))
		if code, info := infoOf(t, err); code != connect.CodeInvalidArgument || info.Field != "cids[1]" || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v", bad, err, info)
		}
	}
	now, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids, Message: &whowhenv1.SendMessage{Transactional: true}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range now.Msg.Windows {
		if !w.Found || !w.Choice.SendAt.AsTime().Equal(testNow) || !slices.Contains(w.Reasons, "TRANSACTIONAL") {
			t.Errorf("%v", w)
		}
	}
}

func TestWrongMessages(t *testing.T) {
	_, c, _ := sendServer(t)
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow.Add(d)) }
	for name, x := range map[string]struct {
		request *whowhenv1.WhenRequest
		reason  string
	}{
		"policy":   {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{Policy: "gentle"}}, "POLICY_UNKNOWN"},
		"width":    {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{WidthMinutes: 1441}}, "REQUEST_INVALID"},
		"backward": {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{From: at(2 * time.Hour), Until: at(time.Hour)}}, "REQUEST_INVALID"},
		"long":     {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{Until: at(400 * 24 * time.Hour)}}, "REQUEST_INVALID"},
		"time":     {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{From: &timestamppb.Timestamp{Nanos: -1}}}, "REQUEST_INVALID"},
		"many":     {&whowhenv1.WhenRequest{Cids: make([]string, maxWhen+1)}, "TOO_MANY_CIDS"},
		"others":   {&whowhenv1.WhenRequest{Message: &whowhenv1.SendMessage{Alternatives: 1000}}, "REQUEST_INVALID"},
		"as_of":    {&whowhenv1.WhenRequest{Read: &whowhenv1.Read{AsOf: at(0)}}, "REQUEST_INVALID"},
		"app":      {&whowhenv1.WhenRequest{App: "none"}, "APP_UNKNOWN"},
	} {
		if _, err := c.When(t.Context(), connect.NewRequest(x.request)); err == nil || reasonOf(t, err) != x.reason {
			t.Errorf("%s: %v, want %s", name, err, x.reason)
		}
	}
}

// sendTimeArtifact returns a model that needs no samples: each CID's own histogram.
func sendTimeArtifact(t testing.TB, version string) registry.Content {
	t.Helper()
	return sendTimeArtifactOf(t, version, "zone")
}

// sendTimeArtifactOf is trained on an app with that attribute of zones, or "".
func sendTimeArtifactOf(t testing.TB, version, zoneAttribute string) registry.Content {
	t.Helper()
	a := &sendtime.Artifact{Name: SendTimeModel, Version: version, Created: testNow, Model: sendtime.Untrained(sendtime.NewCurveSums(nil).Curves()),
		Source: sendtime.Source{Engaged: []string{"open"}, ZoneAttribute: zoneAttribute}, Metrics: map[string]float64{gateFigure: 1},
		Training: sendtime.Training{FirstDay: "2026-01-01", LastDay: "2026-03-01", JudgedFrom: "2026-02-01"}}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return registry.Content{Artifact: data}
}

// TestBestHours holds that whoever opens at the same hour of its own day, day by day, is sent to in that hour or the one before, wherever it lives.
func TestBestHours(t *testing.T) {
	app, c, s := sendServer(t)
	zones := []string{"Asia/Kathmandu", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe"}
	habit := func(i int) int { return 8 + i%13 } // of the day, within what the policy allows
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		row := 0
		for i := 1; i < 400; i++ {
			if i%6 > 3 || i%7 == 0 {
				continue // those without a zone of their own
			}
			zone, err := time.LoadLocation(zones[i%6])
			if err != nil {
				return err
			}
			for day := 2; day < 60; day++ {
				at := time.Date(2026, 3, 14-day, habit(i), 20+day%30, 0, 0, zone)
				b.Event(row, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", TimeMillis: at.UnixMilli(), OffsetMinutes: batch.NoOffset})
				row++
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	models := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	if _, err := models.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: SendTimeModel, By: "ann"})); err != nil {
		t.Fatal(err)
	}
	if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 {
		t.Fatal("the best hours could not be computed")
	}
	var cids []string
	var index []int
	for i := 1; i < 400; i++ {
		if i%6 <= 3 && i%7 != 0 {
			cids, index = append(cids, fmt.Sprintf("%032x", i)), append(index, i)
		}
	}
	answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: append(cids, "nobody"), Message: &whowhenv1.SendMessage{Until: timestamppb.New(testNow.Add(36 * time.Hour))}}))
	if err != nil || answer.Msg.Model.Kind != "HABIT" || answer.Msg.Model.Version != "1" {
		t.Fatal(answer.Msg.GetModel(), err)
	}
	for k, i := range index {
		w := answer.Msg.Windows[k]
		local, err := time.Parse(time.RFC3339, w.Choice.LocalStart)
		if err != nil {
			t.Fatal(err)
		}
		// Who opens in the middle of an hour is best sent to before it begins, or at its beginning.
		if before := local.Hour(); before != habit(i) && before != habit(i)-1 || w.Evidence != "USER" || w.ActiveDays < 50 || w.Zone != zones[i%6] {
			t.Errorf("opens at %d in %s: %v", habit(i), zones[i%6], w)
		}
	}
	if w := answer.Msg.Windows[len(cids)]; !w.Found || w.Evidence == "USER" || !slices.Contains(w.Reasons, "NO_DATA") {
		t.Errorf("%v", w)
	}
	checkAudience(t, c, "everyone", true, springMessage())
	checkAudience(t, c, `did("open")`, false, springMessage())
	list, err := models.List(t.Context(), connect.NewRequest(&whowhenv1.ListModelsRequest{}))
	if err != nil || len(list.Msg.Models) != 1 || list.Msg.Models[0].Published.GetVersion() != "1" || list.Msg.Models[0].Versions[0].Problem != "" {
		t.Errorf("%v, %v", list, err)
	}
	// Everybody is answered, too, when the model's files are gone, also by a server that never saw them.
	if err := os.RemoveAll(app.Dir() + "/models"); err != nil {
		t.Fatal(err)
	}
	other := whowhenv1connect.NewSendTimeServiceClient(InProcess(New(s.home, Options{Clock: testClock}).Handler()), "http://in-process")
	answer, err = other.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids}))
	if err != nil || answer.Msg.Model.Kind != "HABIT" || answer.Msg.Windows[0].Evidence != "USER" {
		t.Errorf("%v, %v", answer, err)
	}
}

// TestWindowsAreNoLikelierThanDays holds that events without an offset of their own do not make a traveller of whoever lives in another zone than the
// app's, and that a window is never likelier than the day.
func TestWindowsAreNoLikelierThanDays(t *testing.T) {
	app, c, s := sendServer(t)
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	days := 0
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		row := 0
		for day := 2; day < 60; day++ {
			if day%2 == 0 {
				continue
			}
			days++
			for _, hour := range []int{9, 10, 13, 20} {
				b.Event(row, batch.Event{CID: fmt.Sprintf("%032x", 6), Name: "open", TimeMillis: time.Date(2026, 3, 14-day, hour, 20, 0, 0, zone).UnixMilli(), OffsetMinutes: batch.NoOffset})
				row++
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := modelDir(app).Activate(SendTimeModel, "1", testNow, "ann", false); err != nil {
		t.Fatal(err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	if s.scores.round(t.Context(), 0, time.Minute); len(s.scores.failed) > 0 {
		t.Fatal("the best hours could not be computed")
	}
	last := 0.0
	for _, width := range []uint32{30, 60, 180, 600, 840, 1440} {
		answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: []string{fmt.Sprintf("%032x", 6)},
			Message: &whowhenv1.SendMessage{WidthMinutes: width, Policy: "none", Until: timestamppb.New(testNow.Add(72 * time.Hour))}}))
		if err != nil {
			t.Fatal(err)
		}
		w := answer.Msg.Windows[0]
		if w.Zone != "Asia/Kathmandu" || w.ZoneFrom != "PROFILE" {
			t.Errorf("%v", w)
		}
		if p := w.Choice.Probability; p < last-1e-9 || p > 0.75 {
			t.Errorf("%d minutes: %v, after %v; active on %d of 58 days", width, p, last, days)
		} else {
			last = p
		}
	}
}

func TestTimeThatIsOver(t *testing.T) {
	_, c, _ := sendServer(t)
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow.Add(d)) }
	cids := []string{"nobody", fmt.Sprintf("%032x", 1)}
	ask := func(m *whowhenv1.SendMessage) []*whowhenv1.SendWindow {
		t.Helper()
		answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids, Message: m}))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Msg.Windows
	}
	for _, w := range ask(&whowhenv1.SendMessage{From: at(-48 * time.Hour), Until: at(-24 * time.Hour)}) {
		if w.Found || w.Choice != nil || !slices.Contains(w.Reasons, "NO_WINDOW") {
			t.Errorf("%v", w)
		}
	}
	for _, w := range ask(&whowhenv1.SendMessage{From: at(-48 * time.Hour), Until: at(24 * time.Hour)}) {
		if !w.Found || w.Choice.Start.AsTime().Before(testNow) {
			t.Errorf("%v", w)
		}
	}
	for _, m := range []*whowhenv1.SendMessage{{From: at(-480 * time.Hour)}, {Until: at(-time.Hour)}, {Until: at(4000 * time.Hour)}, {Policy: "gone"}} {
		m.Transactional = true
		for _, w := range ask(m) {
			if !w.Found || !w.Choice.SendAt.AsTime().Equal(testNow) {
				t.Errorf("%v: %v", m, w)
			}
		}
	}
	one, other := ask(&whowhenv1.SendMessage{})[0], ask(&whowhenv1.SendMessage{WidthMinutes: 120})[0]
	if one.Decision == other.Decision || one.Decision != ask(&whowhenv1.SendMessage{})[0].Decision {
		t.Errorf("%s and %s", one.Decision, other.Decision)
	}
}
