package serve

import (
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/serve/registry"
)

// TestUntrainedReadsWhatWasSaid holds that the untrained model goes by what the newest version was trained on, where the app has it.
func TestUntrainedReadsWhatWasSaid(t *testing.T) {
	app, _, _ := sendServer(t)
	for _, attribute := range []string{"zone", "country", "gone"} {
		if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifactOf(t, v, attribute), nil }); err != nil {
			t.Fatal(err)
		}
		view, err := app.View(t.Context(), segments.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := attribute
		if attribute == "gone" {
			want = "zone"
		}
		if source := untrainedSource(view, modelDir(app), nil); source.ZoneAttribute != want || source.CountryAttribute != "country" || !slices.Equal(source.Engaged, []string{"open"}) {
			t.Errorf("%s: %+v", attribute, source)
		}
		view.Close()
	}
}

// TestWhereabouts holds where CIDs are taken to be: by the offset last seen, whatever a server reports later, against a profile for a month, and without
// one however long ago it was; and by profiles that came after the model.
func TestWhereabouts(t *testing.T) {
	s := newServer(t, Options{})
	app, err := s.home.App("")
	if err != nil {
		t.Fatal(err)
	}
	write := func(build func(b *batch.Builder) error) {
		t.Helper()
		r, err := app.Write(t.Context(), segments.WriteRequest{Build: build})
		if err != nil || len(r.Rejects) > 0 {
			t.Fatal(err, r.Rejects)
		}
		if err := awaitVisible(t.Context(), app, r.Position); err != nil {
			t.Fatal(err)
		}
	}
	row := 0
	write(func(b *batch.Builder) error {
		event := func(cid, name string, daysAgo int, offset int64) {
			b.Event(row, batch.Event{CID: cid, Name: name, TimeMillis: testNow.AddDate(0, 0, -daysAgo).UnixMilli(), OffsetMinutes: offset})
			row++
		}
		for day := 2; day < 22; day++ {
			event("messaged", "open", day, 420)
			event("nowhere", "open", day, batch.NoOffset)
		}
		event("messaged", "push.sent", 1, batch.NoOffset)
		event("idle", "open", 200, 420)
		event("ancient", "open", 2740, 300)
		event("traveller", "open", 10, 540)
		event("returned", "open", 40, 540)
		event("late profile", "open", 3, batch.NoOffset)
		return nil
	})
	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifactOf(t, v, ""), nil }); err != nil {
		t.Fatal(err)
	}
	models := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	if _, err := models.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: SendTimeModel})); err != nil {
		t.Fatal(err)
	}
	write(func(b *batch.Builder) error {
		for i, cid := range []string{"ancient", "traveller", "returned", "late profile"} {
			b.Profile(i, batch.ProfileChange{CID: cid, Set: []batch.Named{{Name: "zone", Value: value.Text("Europe/Berlin")}}})
		}
		return nil
	})
	if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 {
		t.Fatal("best hours could not be computed")
	}
	c := whowhenv1connect.NewSendTimeServiceClient(InProcess(s.Handler()), "http://in-process")
	want := []struct{ cid, zone, from string }{
		{"messaged", "UTC+07:00", "OFFSETS"}, {"nowhere", "UTC", "APP"}, {"idle", "UTC+07:00", "OFFSETS"}, {"ancient", "Europe/Berlin", "PROFILE"},
		{"traveller", "UTC+09:00", "OFFSETS"}, {"returned", "Europe/Berlin", "PROFILE"}, {"late profile", "Europe/Berlin", "PROFILE"},
	}
	var cids []string
	for _, w := range want {
		cids = append(cids, w.cid)
	}
	answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids}))
	if err != nil || answer.Msg.Model.Version != "1" {
		t.Fatal(answer, err)
	}
	for i, w := range answer.Msg.Windows {
		if w.Zone != want[i].zone || w.ZoneFrom != want[i].from {
			t.Errorf("%s is in %s (%s), want %s (%s)", w.Cid, w.Zone, w.ZoneFrom, want[i].zone, want[i].from)
		}
		if unknown := slices.Contains(w.Reasons, "UNKNOWN_ZONE"); unknown != (w.ZoneFrom == "APP") || unknown && w.Evidence == "ZONE" {
			t.Errorf("%s: %v, evidence %s", w.Cid, w.Reasons, w.Evidence)
		}
	}
	checkAudience(t, c, "everyone", false, springMessage())
}
