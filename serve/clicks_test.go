package serve

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/serve/registry"
)

// eveningClicks is a model that has seen messages answered in the evening and hardly ever else, whatever the habit.
func eveningClicks(t *testing.T, version string) registry.Content {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	var messages []sendtime.MessageSample
	for i := range 12_000 {
		hour := i % sendtime.Hours
		answered := 0.02
		if hour >= 19 && hour <= 21 {
			answered = 0.6
		}
		day := int32(20_000 + i/100)
		messages = append(messages, sendtime.MessageSample{Hour: hour, Answered: random.Float64() < answered,
			Question: sendtime.Question{Day: day, Weekend: day%7 == 2 || day%7 == 3, Country: sendtime.NoCountry}})
	}
	m := sendtime.Untrained(sendtime.NewCurveSums(nil).Curves())
	if err := m.FitClick(t.Context(), messages, sendtime.DefaultOptions()); err != nil || !m.Clicks() {
		t.Fatal("no click model was learnt", err)
	}
	a := &sendtime.Artifact{Name: SendTimeModel, Version: version, Created: testNow, Model: m, Metrics: map[string]float64{gateFigure: 1},
		Source: sendtime.Source{Engaged: []string{"open"}, Received: []string{"push.sent"}, Clicked: []string{"push.clicked"}, ZoneAttribute: "zone"}}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return registry.Content{Artifact: data}
}

// TestClicksSpeak holds that where a click model speaks everybody is sent to when messages are answered, known or not, and that the answer says so.
func TestClicksSpeak(t *testing.T) {
	app, c, s := sendServer(t)
	liveThreeDays(t, app)
	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return eveningClicks(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	models := whowhenv1connect.NewModelServiceClient(InProcess(s.Handler()), "http://in-process")
	if _, err := models.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: SendTimeModel})); err != nil {
		t.Fatal(err)
	}
	if s.scores.round(t.Context(), 24*time.Hour, time.Minute); len(s.scores.failed) > 0 {
		t.Fatal("best hours could not be computed")
	}
	cids := append(checkAudience(t, c, `did("open")`, false, springMessage()), "nobody")
	answer, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids[max(0, len(cids)-300):], Message: &whowhenv1.SendMessage{Policy: "none"}}))
	if err != nil || answer.Msg.Model.Kind != "CLICK" || answer.Msg.Model.Version != "1" {
		t.Fatal(answer.Msg.GetModel(), err)
	}
	for _, w := range answer.Msg.Windows {
		local, err := time.Parse(time.RFC3339, w.Choice.LocalStart)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains([]int{19, 20, 21}, local.Hour()) || w.Choice.Engagement < 0.3 || w.Choice.Engagement > 0.9 {
			t.Errorf("%v", w)
		}
	}
}
