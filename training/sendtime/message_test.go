package sendtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
)

// TestTrainOnMessages: a click model is fitted to earlier messages, judged by later ones, and speaks if it is surely better.
func TestTrainOnMessages(t *testing.T) {
	const days, from = 60, 42
	s := newSimulated(6, 200)
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	app := simulatedApp(t, s, days, math.MaxInt64)
	r, err := Train(context.Background(), app, Options{Version: "1", From: simulatedFirst + from, CreatedAt: time.Unix(2e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	m, file := &r.Report.Messages, r.Artifact
	var early, earlyAnswered, late, lateAnswered int
	var delays []float64
	end := int64(math.MinInt64) // of the last day with activity
	for _, events := range s.events {
		for _, e := range events {
			if e.Kind == rhythm.Engaged || e.Kind == rhythm.Clicked {
				end = max(end, (e.Seconds/86400+1)*86400)
			}
		}
	}
	for _, events := range s.events {
		all := rhythm.AppendMessages(nil, events, end)
		delays = rhythm.AppendDelays(delays, all)
		for _, m := range all {
			did := 0
			if m.Answered {
				did = 1
			}
			switch {
			case m.Seconds < (simulatedFirst+from-1)*86400:
				early++
				earlyAnswered += did
			case m.Day() >= simulatedFirst+from:
				late++
				lateAnswered += did
			}
		}
	}
	if m.Learnt != early || m.LearntAnswered != earlyAnswered || m.Count != late || m.Answered != lateAnswered {
		t.Errorf("learnt from %d messages, %d answered, judged by %d and %d; want %d, %d, %d, %d", m.Learnt, m.LearntAnswered, m.Count, m.Answered, early, earlyAnswered, late, lateAnswered)
	}
	if want := model.LearnDelay(delays); file.Model.Delay != want {
		t.Errorf("delays %v, want %v", file.Model.Delay, want)
	}
	if !m.ClicksSpeak || !file.Model.Clicks() || !(m.LessThanHabitInterval[1] < 0) || file.Metrics["clicks_speak"] != 1 || file.Metrics["message_log_loss"] != m.LogLoss {
		t.Errorf("clicks speak %v, %v; %s; %v", m.ClicksSpeak, file.Model.Clicks(), m.Why, file.Metrics)
	}
	if d := m.LogLoss - m.HabitLogLoss - m.LessThanHabit; math.Abs(d) > 1e-12 || m.CalibrationError > 0.03 || m.LogLoss > m.BaseLogLoss {
		t.Errorf("%+v", m)
	}
	n := 0
	for _, h := range m.Hours {
		n += h.Count
	}
	if n != m.Count {
		t.Errorf("%d messages by hour, of %d", n, m.Count)
	}
	if got := file.Source.Clicked; len(got) != 1 || got[0] != "push.clicked" {
		t.Errorf("clicks are read from %q", got)
	}
	text, err := r.Report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Messages map[string]any `json:"messages"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"count", "answered", "log_loss", "habit_log_loss", "base_log_loss", "less_than_habit", "less_than_habit_interval", "clicks_speak", "why", "calibration", "hours", "delay"} {
		if _, found := read.Messages[key]; !found {
			t.Errorf("no %s in %v", key, read.Messages)
		}
	}
	var page bytes.Buffer
	if err := r.Report.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"What became of messages speaks", "Messages answered, by the hour", "How long answers take", "drawn by lot"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestTrainWithoutMessages: habit speaks, and says why.
func TestTrainWithoutMessages(t *testing.T) {
	const days = 30
	s := newSimulated(7, 60)
	for i := range s.people {
		s.people[i].targeted = 0
	}
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	r, err := Train(context.Background(), simulatedApp(t, s, days, math.MaxInt64), Options{Version: "1", CreatedAt: time.Unix(2e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Report.Messages; m.ClicksSpeak || m.Learnt != 0 || m.Count != 0 || !strings.HasPrefix(m.Why, "habit speaks: of 0 messages") || r.Artifact.Model.Clicks() {
		t.Errorf("%+v", m)
	}
	for h, want := range model.PriorDelay() {
		if got := r.Artifact.Model.Delay[h]; math.Abs(got-want) > 1e-12 {
			t.Errorf("nothing was answered, and %v wait for %d hours, not %v", got, h, want)
		}
	}
	var page bytes.Buffer
	if err := r.Report.HTML(&page); err != nil || !strings.Contains(page.String(), "Habit speaks") {
		t.Errorf("%v", err)
	}
	if _, err := r.Artifact.Encode(); err != nil {
		t.Error(err)
	}
}

func TestWhichModelSpeaks(t *testing.T) {
	for _, c := range []struct {
		name   string
		learnt bool
		m      Messages
		speaks bool
		why    string
	}{
		{"too few", false, Messages{Learnt: 1200, LearntAnswered: 4}, false, "of 1\u202f200 messages learnt from 4 were answered"},
		{"too few to judge by", true, Messages{Count: 99, CIDs: 40, LessThanHabitInterval: Interval{-2, -1}}, false, "only 99 later messages of 40 CIDs"},
		{"of too few CIDs", true, Messages{Count: 990, CIDs: 29, LessThanHabitInterval: Interval{-2, -1}}, false, "only 990 later messages of 29 CIDs"},
		{"better", true, Messages{Count: 100, CIDs: 30, LessThanHabit: -0.01, LessThanHabitInterval: Interval{-0.02, -0.001}}, true, "surely better than habit, by 0.01000 in log loss (95 %: 0.00100 to 0.02000)"},
		{"perhaps worse", true, Messages{Count: 100, CIDs: 30, LessThanHabit: 0.01, LessThanHabitInterval: Interval{-0.001, 0.02}}, false, "the click model is worse than habit, though not surely, by 0.01000 in log loss (95 %: -0.00100 to 0.02000)"},
		{"perhaps better", true, Messages{Count: 100, CIDs: 30, LessThanHabit: -0.01, LessThanHabitInterval: Interval{-0.02, 0}}, false, "not surely better"},
		{"worse", true, Messages{Count: 100, CIDs: 30, LessThanHabit: 0.01, LessThanHabitInterval: Interval{0.005, 0.02}}, false, "the click model is surely worse than habit, by 0.01000 in log loss (95 %: 0.00500 to 0.02000)"},
	} {
		l := &learnt{model: &model.Model{}}
		if c.learnt {
			l.model.Click = &model.Click{}
		}
		if speaks, why := c.m.verdict(l); speaks != c.speaks || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v, %q", c.name, speaks, why)
		}
	}
}

// TestClicksThatCannotBeFitted: the model of habits is trained all the same, and the report says why clicks do not speak.
func TestClicksThatCannotBeFitted(t *testing.T) {
	const days = 60
	s := newSimulated(6, 200)
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	app := simulatedApp(t, s, days, math.MaxInt64)
	fit := model.DefaultOptions()
	fit.ClickPenalty = -1e12 // without a least loss
	r, err := Train(context.Background(), app, Options{Version: "1", CreatedAt: time.Unix(2e9, 0), Fit: &fit})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Report.Messages
	if m.ClicksSpeak || m.Learnt == 0 || !strings.HasPrefix(m.Why, "habit speaks: a click model could not be fitted, as the model of answers did not converge") {
		t.Errorf("%v, %q", m.ClicksSpeak, m.Why)
	}
	if r.Artifact.Model.Clicks() || !r.Artifact.Model.Trained {
		t.Error("a model of habits without clicks was to be trained")
	}
	if _, err := r.Artifact.Encode(); err != nil {
		t.Error(err)
	}
	var page bytes.Buffer
	if err := r.Report.HTML(&page); err != nil || !strings.Contains(page.String(), "could not be fitted") {
		t.Errorf("the page does not say why (%v)", err)
	}
}

// TestClicksThatConvergeOnlyOnce: where clicks were better and cannot be fitted to all days, habit speaks, and neither report nor artifact claim otherwise.
func TestClicksThatConvergeOnlyOnce(t *testing.T) {
	l := &learnt{model: &model.Model{Click: &model.Click{}}}
	if err := l.converged(&model.NotConvergedError{Part: "the line from habit to answers", Slope: 1, Steps: 60}); err != nil || l.model.Clicks() || !strings.HasPrefix(l.unfit, "the line from habit to answers did not converge") {
		t.Errorf("%v, %v, %q", err, l.model.Clicks(), l.unfit)
	}
	if err := l.converged(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	m := Messages{Count: 100, ClicksSpeak: true}
	m.silence(l)
	figures := map[string]float64{}
	m.metrics(figures)
	if _, speak := figures["clicks_speak"]; speak || m.ClicksSpeak || !strings.Contains(m.Why, "could not be fitted to all days, as the line from habit to answers did not converge") {
		t.Errorf("%v, %q", figures, m.Why)
	}
}
