package sendtime

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func artifactOf(m *Model) *Artifact {
	return &Artifact{Name: "send-time", Version: "3", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Source: Source{Engaged: []string{"open"}},
		Training: Training{FirstDay: "2025-01-01", LastDay: "2026-01-01", CIDs: 3}, Metrics: map[string]float64{"hit_at_1": 0.25}, Model: m}
}

func checkRoundTrip(t *testing.T, m *Model) {
	t.Helper()
	file, err := artifactOf(m).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !IsArtifact(file) {
		t.Error("it is not known for what it is")
	}
	read, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Encode()
	if err != nil || !bytes.Equal(again, file) {
		t.Fatalf("it is written differently the second time (%v)", err)
	}
	data, _ := drawData(9, 20)
	var was, is Answer
	for _, s := range data.Near {
		m.Predict(&s.History, &s.Question, &was)
		read.Model.Predict(&s.History, &s.Question, &is)
		if was != is {
			t.Fatalf("%v, was %v", is, was)
		}
		var before, after [Hours]float64
		m.Engagement(&s.History, &s.Question, &was, &before)
		read.Model.Engagement(&s.History, &s.Question, &is, &after)
		if before != after || m.Clicks() != read.Model.Clicks() {
			t.Fatalf("engagement %v, was %v", after, before)
		}
	}
}

func TestArtifactsThatAreRefused(t *testing.T) {
	sound := func() *Artifact {
		m := Untrained(NewCurveSums([]string{"ID"}).Curves())
		m.Click = &Click{Mean: 0.1, Share: 0.5, Base: make([]float64, clickColumns+1)}
		return artifactOf(m)
	}
	if _, err := sound().Encode(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		damage func(a *Artifact)
	}{
		{"name", func(a *Artifact) { a.Name = "../x" }},
		{"version", func(a *Artifact) { a.Version = "" }},
		{"day", func(a *Artifact) { a.Training.FirstDay = "2026-02-30" }},
		{"counts", func(a *Artifact) { a.Training.CIDs = -1 }},
		{"not finite", func(a *Artifact) { a.Metrics["x"] = math.NaN() }},
		{"delays", func(a *Artifact) { a.Model.Delay[3] = 0.999 }},
		{"answers", func(a *Artifact) { a.Model.Click.Mean = 1 }},
		{"answers", func(a *Artifact) { a.Model.Click.Share = 0 }},
		{"answers", func(a *Artifact) { a.Model.Click.Share = 1e7 }},
		{"coefficients", func(a *Artifact) { a.Model.Click.Base = a.Model.Click.Base[1:] }},
		{"out of range", func(a *Artifact) { a.Model.Click.Base[2] = -1e9 }},
		{"out of range", func(a *Artifact) { a.Model.Click.Hour[23] = 1e9 }},
		{"out of range", func(a *Artifact) { a.Model.Click.Weekend[0] = math.Inf(1) }},
		{"no model", func(a *Artifact) { a.Model = nil }},
		{"no curves", func(a *Artifact) { a.Model.Curves = nil }},
		{"probability", func(a *Artifact) { a.Model.Curves.Everyone[1][3] = 1.5 }},
		{"zones", func(a *Artifact) { a.Model.Curves.Zone = a.Model.Curves.Zone[1:] }},
		{"countries", func(a *Artifact) { a.Model.Curves.Countries = nil }},
		{"CIDs", func(a *Artifact) { a.Model.Curves.CIDs = math.Inf(1) }},
		{"active hours", func(a *Artifact) { a.Model.MeanHours = 0 }},
		{"coefficients", func(a *Artifact) { a.Model.Near.Base = a.Model.Near.Base[1:] }},
		{"out of range", func(a *Artifact) { a.Model.Ahead.Base[2] = 1e9 }},
		{"kernel", func(a *Artifact) { a.Model.Near.Kernel = make([][]float64, Hours) }},
		{"model of days", func(a *Artifact) { a.Model.Day.MeanActive = 1 }},
		{"window", func(a *Artifact) { a.Model.Window[4] = 0 }},
		{"would write", func(a *Artifact) { a.Source.ZoneAttribute = "\xff" }},
	} {
		a := sound()
		c.damage(a)
		var refused *ArtifactError
		if _, err := a.Encode(); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.what) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	file, err := artifactOf(Untrained(NewCurveSums(nil).Curves())).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	m := Untrained(NewCurveSums(nil).Curves())
	m.Click = &Click{Mean: 0.1, Share: 0.5, Base: make([]float64, clickColumns+1)}
	clicks, err := artifactOf(m).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(clicks)
	f.Add(bytes.Replace(file, []byte("send-time/2"), []byte("send-time/3"), 1))
	f.Add(file[:len(file)/2])
	f.Add([]byte(`{"format":"whowhen-send-time/2","sha256":"","content":{}}`))
	f.Add([]byte(`{"format":"whowhen-send-time/2","sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","content":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := a.Encode(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
		h, q := History{Days: [7]uint16{3}, Hours: [Hours]uint16{2}, Received: [Hours]uint16{9}, Answered: [Hours]uint16{4}, Lately: 2}, question(20000)
		var answer Answer
		var out [Hours]float64
		a.Model.Predict(&h, &q, &answer)
		a.Model.Engagement(&h, &q, &answer, &out)
		for _, p := range append(out[:], answer.Hour[:]...) {
			if !(p >= 0 && p <= 1) {
				t.Errorf("an artifact that is taken tells the probability %v", p)
			}
		}
	})
}
