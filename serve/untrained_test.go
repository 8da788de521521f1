package serve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/registry"
)

// liveThreeDays writes three days in which 200 CIDs open in one and the same hour of their days: at 12 in Lisbon, and each of ten others at an hour of
// its own, for six days.
func liveThreeDays(t *testing.T, app *segments.App) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		row := 0
		open := func(i, day, hour int) {
			at := time.Date(2026, 3, 14-day, hour, 40, 0, 0, zone)
			b.Event(row, batch.Event{CID: fmt.Sprintf("%032x", i), Name: "open", TimeMillis: at.UnixMilli(), OffsetMinutes: batch.NoOffset})
			row++
		}
		for k := range 200 {
			for day := 2; day < 5; day++ {
				open(2+6*k, day, 12)
			}
		}
		for k := range 10 {
			for day := 2; day < 8; day++ {
				open(1202+6*k, day, 9+k)
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := awaitVisible(t.Context(), app, r.Position); err != nil {
		t.Fatal(err)
	}
}

// TestWithoutTraining holds that from its first days on an app's own rhythms answer, as soon as somebody asks, and that a trained version takes
// their place and gives it back.
func TestWithoutTraining(t *testing.T) {
	app, c, s := sendServer(t)
	models := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	own, newcomer := fmt.Sprintf("%032x", 1202+6*6), fmt.Sprintf("%032x", 2000) // the latter of Lisbon, too
	monday := time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)
	ask := func(c whowhenv1connect.SendTimeServiceClient) (*whowhenv1.SendModel, []*whowhenv1.SendWindow) {
		t.Helper()
		answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: []string{own, newcomer, "nobody"}, Message: &whowhenv1.SendMessage{Policy: "none", From: timestamppb.New(monday), Until: timestamppb.New(monday.AddDate(0, 0, 1))}}))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Msg.Model, answer.Msg.Windows
	}
	round := func() {
		t.Helper()
		if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 {
			t.Fatal("best hours could not be computed")
		}
	}
	hourOf := func(w *whowhenv1.SendWindow) int {
		local, err := time.Parse(time.RFC3339, w.Choice.LocalStart)
		if err != nil {
			t.Fatal(err)
		}
		return local.Hour()
	}
	round()
	if m, _ := ask(c); m.Kind != "PRIOR" {
		t.Fatalf("before there is any event: %v", m)
	}
	if round(); len(filesOf(t, app)) != 0 {
		t.Errorf("an app without events has a rule: %v", filesOf(t, app))
	}
	liveThreeDays(t, app)
	if m, _ := ask(c); m.Kind != "PRIOR" {
		t.Fatalf("before best hours are computed: %v", m)
	}
	round()
	m, w := ask(c)
	if m.Kind != "HABIT" || m.Version != "" || m.AsOf == nil {
		t.Errorf("%v", m)
	}
	// Who opens late in an hour is best sent to in that hour or the one before.
	if hour := hourOf(w[0]); w[0].Evidence != "USER" || w[0].ActiveDays != 6 || hour != 15 && hour != 14 {
		t.Errorf("%v", w[0])
	}
	if hour := hourOf(w[1]); w[1].Evidence != "ZONE" || w[1].ActiveDays != 0 || hour != 12 && hour != 11 {
		t.Errorf("a newcomer in the zone of many: %v", w[1])
	}
	if w[2].Evidence != "EVERYONE" {
		t.Errorf("somebody unknown: %v", w[2])
	}
	checkAudience(t, c, "everyone", false, springMessage())

	// Nothing of it hangs on the process.
	other := whowhenv1connect.NewSendTimeServiceClient(InProcess(New(s.home, Options{Clock: testClock}).Handler()), "http://in-process")
	if m2, w2 := ask(other); m2.Kind != "HABIT" || w2[2].Evidence != "EVERYONE" {
		t.Errorf("after a restart: %v, %v", m2, w2[2])
	}
	if files := filesOf(t, app); len(files) != 1 {
		t.Errorf("rules kept: %v", files)
	}
	round()
	if m2, _ := ask(c); !m2.AsOf.AsTime().Equal(m.AsOf.AsTime()) {
		t.Errorf("computed again within the day")
	}

	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := models.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: SendTimeModel})); err != nil {
		t.Fatal(err)
	}
	round()
	if m, _ := ask(c); m.Kind != "HABIT" || m.Version != "1" || len(filesOf(t, app)) != 0 {
		t.Errorf("by a trained version: %v; rules %v", m, filesOf(t, app))
	}
	if _, err := models.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: SendTimeModel})); err != nil {
		t.Fatal(err)
	}
	if m, _ := ask(c); m.Kind != "PRIOR" {
		t.Errorf("after it was taken away: %v", m)
	}
	round()
	if m, w := ask(c); m.Kind != "HABIT" || m.Version != "" || w[0].ActiveDays != 6 {
		t.Errorf("%v, %v", m, w[0])
	}
}

// TestRefreshWithoutTraining holds that best hours are there on demand, and that an app that has nothing to tell says so.
func TestRefreshWithoutTraining(t *testing.T) {
	app, c, s := sendServer(t)
	refresh := func(events ...string) (*whowhenv1.RefreshResponse, error) {
		stream, err := c.Refresh(t.Context(), connect.NewRequest(&whowhenv1.RefreshRequest{Events: events}))
		if err != nil {
			return nil, err
		}
		last := &whowhenv1.RefreshResponse{}
		for stream.Receive() {
			last = stream.Msg()
		}
		return last, errors.Join(stream.Err(), stream.Close())
	}
	for _, events := range [][]string{nil, {"purchase"}} {
		if _, err := refresh(events...); err == nil || reasonOf(t, err) != "MODEL_MISFIT" || len(filesOf(t, app)) > 0 {
			t.Errorf("an app without events: %v, rules %v", err, filesOf(t, app))
		}
	}
	if _, err := refresh(""); err == nil || reasonOf(t, err) != "REQUEST_INVALID" {
		t.Errorf("an event without a name: %v", err)
	}
	liveThreeDays(t, app)
	if last, err := refresh(); err != nil || last.Version != "" || last.PublishedPosition == 0 || last.Cids != 3000 {
		t.Errorf("%v, %v", last, err)
	}
	// What was named is kept for later, also by the schedule, which makes anew a rule that is gone or damaged.
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		b.Event(0, batch.Event{CID: "buyer", Name: "purchase", TimeMillis: testNow.AddDate(0, 0, -3).UnixMilli(), OffsetMinutes: batch.NoOffset})
		return nil
	}})
	if err == nil {
		err = awaitVisible(t.Context(), app, r.Position)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refresh("purchase"); err != nil {
		t.Fatal(err)
	}
	active := func() uint32 {
		t.Helper()
		answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: []string{"buyer", "nobody"}}))
		if err != nil || answer.Msg.Model.Kind != "HABIT" {
			t.Fatal(answer, err)
		}
		return answer.Msg.Windows[0].ActiveDays
	}
	if n := active(); n != 1 {
		t.Errorf("a buyer was active on %d days", n)
	}
	if _, err := refresh(); err != nil || active() != 1 {
		t.Errorf("%v; a buyer was active on %d days", err, active())
	}
	models := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	if _, err := models.Deactivate(t.Context(), connect.NewRequest(&whowhenv1.RollbackModelRequest{Name: SendTimeModel})); err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(); err != nil || active() != 1 {
		t.Errorf("after best hours were taken away: %v; a buyer was active on %d days", err, active())
	}
	if _, err := refresh("purchase", "purchsae"); err == nil || reasonOf(t, err) != "MODEL_MISFIT" {
		t.Errorf("an event that there is not beside one that there is: %v", err)
	}
	for _, rule := range filesOf(t, app) {
		if err := os.WriteFile(rule, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 || active() != 0 {
		t.Errorf("after the rule was damaged a buyer is active on %d days, where opens are", active())
	}
}

// filesOf returns the rules that are kept beside the models.
func filesOf(t *testing.T, app *segments.App) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(app.Dir(), "models", "rule-*"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}
