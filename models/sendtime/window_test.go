package sendtime

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func drawAnswer(t *rapid.T) (a Answer) {
	for h := range a.Hour {
		a.Hour[h] = rapid.Float64Range(0, 1).Draw(t, "p")
	}
	return a
}

// TestWindows: one hour is its probability, wider is likelier, and as long as hours are taken to be independent, no more than their sum.
func TestWindows(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	rapid.Check(t, func(t *rapid.T) {
		a := drawAnswer(t)
		hour := rapid.IntRange(0, Hours-1).Draw(t, "hour")
		if p := m.Any(&a, hour*60, 60); math.Abs(p-a.Hour[hour]) > 1e-6 {
			t.Fatalf("hour %d: %v, want %v", hour, p, a.Hour[hour])
		}
		from, width := rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(1, 1439).Draw(t, "width")
		p, wider := m.Any(&a, from, width), m.Any(&a, from, width+1)
		sum := 0.0
		for minute := range width {
			sum += a.Hour[(from+minute)/60%Hours] / 60
		}
		if p > wider+1e-12 || p < 0 || p > 1 {
			t.Fatalf("%d minutes from %d on: %v, and one more %v", width, from, p, wider)
		}
		if width%60 == 0 && from%60 == 0 && p > sum+1e-9 {
			t.Fatalf("%d minutes from %d on: %v, and the hours together %v", width, from, p, sum)
		}
		d := PriorDelay()
		if e := m.Engaged(&a, &d, from, width); e > p+1e-12 || e < 0 {
			t.Fatalf("engaged %v, active %v", e, p)
		}
	})
}

// TestWindowsAreLearnt: hours that always come in threes do not add up.
func TestWindowsAreLearnt(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	var samples []Sample
	for i := range 3000 {
		hour := i % (Hours - 3)
		samples = append(samples, Sample{Question: question(20000), Hours: 0b111 << hour})
	}
	m.fitWindows(samples)
	if m.Window[0] != 1 || m.Window[2] >= 1 {
		t.Errorf("%v", m.Window)
	}
}

func TestDelays(t *testing.T) {
	quick, slow := make([]float64, 1000), make([]float64, 1000)
	for i := range slow {
		quick[i], slow[i] = 2, 600
	}
	fast, prior, long := LearnDelay(quick), PriorDelay(), LearnDelay(slow)
	for h, p := range LearnDelay(nil) {
		if math.Abs(p-prior[h]) > 1e-12 {
			t.Errorf("without answers, %v wait after %d hours, not %v", p, h, prior[h])
		}
	}
	for h := 1; h <= 9; h++ {
		if !(fast[h] < prior[h] && prior[h] < long[h]) {
			t.Errorf("after %d hours %v, %v and %v wait", h, fast[h], prior[h], long[h])
		}
	}
	for _, d := range []Delay{fast, prior, long} {
		for h := range d {
			if h == 0 && d[h] != 1 || h > 0 && d[h] > d[h-1] {
				t.Errorf("%v", d)
			}
		}
	}
}

func TestArtifactRoundTrip(t *testing.T) {
	data, _ := drawData(8, 600)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, m)
	clicks := learnClicks(t, drawMessages(8, 2000, evenings))
	if !clicks.Clicks() {
		t.Error("no click model")
	}
	checkRoundTrip(t, clicks)
	checkRoundTrip(t, Untrained(NewCurveSums([]string{"ID", "IN"}).Curves()))
}
