package sendtime

import (
	"context"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestEngagementIsThatOfEachHour holds the convolution against its slow twin, which asks for each hour by itself.
func TestEngagementIsThatOfEachHour(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	rapid.Check(t, func(t *rapid.T) {
		a := drawAnswer(t)
		a.Active = rapid.Float64Range(0, 1).Draw(t, "active")
		m.Delay = LearnDelay(rapid.SliceOfN(rapid.Float64Range(0, 1440), 0, 200).Draw(t, "delays"))
		m.Window[Hours-1] = rapid.Float64Range(0.1, 1).Draw(t, "joint")
		var got [Hours]float64
		m.Engagement(&History{}, &Question{}, &a, &got)
		for hour, p := range got {
			want := a.Active * m.Engaged(&a, &m.Delay, hour*60+30, 24*60)
			if math.Abs(p-want) > 1e-12 || p < 0 || p > 1 {
				t.Fatalf("hour %d: %v, want %v", hour, p, want)
			}
		}
	})
}

// TestEngagementAtTheEnds: who answers whenever it comes is the same at any hour, and who answers at once or never goes by its habit.
func TestEngagementAtTheEnds(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	rapid.Check(t, func(t *rapid.T) {
		a := drawAnswer(t)
		a.Active = rapid.Float64Range(0, 1).Draw(t, "active")
		var patient, hasty [Hours]float64
		for h := range m.Delay {
			m.Delay[h] = 1
		}
		m.Engagement(&History{}, &Question{}, &a, &patient)
		m.Delay = Delay{1}
		m.Engagement(&History{}, &Question{}, &a, &hasty)
		whole := a.Active * m.Any(&a, 0, minutesPerDay)
		for h := range patient {
			if math.Abs(patient[h]-whole) > 1e-9 {
				t.Fatalf("hour %d: %v, want %v as in all others", h, patient[h], whole)
			}
			// A delay that ends within the hour falls on a line: three quarters still wait in the middle of the first half hour, and none a day later.
			if want := a.Active * (1 - math.Pow(1-min(a.Hour[h], 1-1e-9), 0.375)); math.Abs(hasty[h]-want) > 1e-9 {
				t.Fatalf("hour %d: %v, want %v", h, hasty[h], want)
			}
		}
	})
}

func BenchmarkEngagement(b *testing.B) {
	data, _ := drawData(7, 600)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	if err := m.FitClick(context.Background(), drawMessages(7, 2000, evenings), DefaultOptions()); err != nil {
		b.Fatal(err)
	}
	if !m.Clicks() {
		b.Fatal("no click model")
	}
	habit := *m
	habit.Click = nil
	for _, c := range []struct {
		name string
		m    *Model
	}{{"habit", &habit}, {"clicks", m}} {
		b.Run(c.name, func(b *testing.B) {
			var a Answer
			var out [Hours]float64
			s := &data.Near[7]
			m.Predict(&s.History, &s.Question, &a)
			b.ReportAllocs()
			for b.Loop() {
				c.m.Engagement(&s.History, &s.Question, &a, &out)
			}
		})
	}
	b.Run("hour by hour", func(b *testing.B) {
		var a Answer
		s := &data.Near[7]
		m.Predict(&s.History, &s.Question, &a)
		for b.Loop() {
			for hour := range Hours {
				habit.Engaged(&a, &habit.Delay, hour*60+30, 24*60)
			}
		}
	})
}
