package report

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// skewed is a report of a target with such a base rate, as a model of some use would have it.
func skewed(base float64) *Report {
	r := &Report{Rows: 100_000, Positives: int(base * 100_000), Fit: Fit{First: "2005-01-01", Last: "2026-06-30"}}
	for i := range 10 {
		odds := base / (1 - base) * math.Pow(2, 3-float64(i)/1.2)
		p := odds / (1 + odds)
		r.Deciles = append(r.Deciles, Decile{Predicted: p, Observed: p, ObservedInterval: [2]float64{p * 0.5, min(p*1.5, 1)}})
		r.ByShare = append(r.ByShare, ShareThreshold{Share: float64(i+1) / 10, Threshold: Threshold{Score: p, Messaged: 10_000 * (i + 1), Caught: r.Positives * (i + 1) / 10, Disturbed: 10_000*(i+1) - r.Positives*(i+1)/10}})
	}
	for i := range 101 {
		t := Threshold{Score: float64(i) / 100}
		if i == 0 || base > 0.5 {
			t = Threshold{Messaged: r.Rows, Caught: r.Positives, Disturbed: r.Rows - r.Positives, Score: t.Score}
		}
		r.Thresholds = append(r.Thresholds, t)
	}
	return r
}

// TestPicturesOfRareAndCommon holds that the dots of calibration are apart, and that the curves of what is caught and disturbed leave the axis,
// however rare or common the target is.
func TestPicturesOfRareAndCommon(t *testing.T) {
	for _, base := range []float64{0.0005, 0.003, 0.3, 0.997} {
		r := skewed(base)
		dots := calibration(r).Dots
		for i := range dots[1:] {
			if math.Abs(dots[i].X-dots[i+1].X) < 4 {
				t.Errorf("base rate %v: the dots at %v and %v lie on each other", base, dots[i], dots[i+1])
			}
		}
		c := disturbed(r)
		for _, p := range c.Paths {
			if strings.Contains(p.D, "NaN") || strings.Contains(p.D, "Inf") || !strings.Contains(p.D, "M") {
				t.Errorf("base rate %v: path %s", base, p.D)
			}
			highest, points := 1e9, 0
			for _, part := range strings.FieldsFunc(p.D, func(r rune) bool { return r == 'M' || r == 'L' }) {
				var x, y float64
				if _, err := fmt.Sscan(part, &x, &y); err != nil {
					t.Fatal(err)
				}
				highest, points = min(highest, y), points+1
			}
			if highest > pictureH-marginDown-40 || points < 8 {
				t.Errorf("base rate %v: the %s of %d points stays on the axis: %s", base, p.Class, points, p.D)
			}
		}
	}
}

// TestTableOfThresholds holds that the table has no rows that say nothing.
func TestTableOfThresholds(t *testing.T) {
	for _, base := range []float64{0.0005, 0.997} {
		r := skewed(base)
		last := 0
		for _, e := range examples(r.Thresholds) {
			if e.Messaged == 0 || e.Messaged == last {
				t.Errorf("base rate %v: %+v", base, e)
			}
			last = e.Messaged
		}
		if len(byShares(r)) < 3 {
			t.Errorf("base rate %v: only the shares %+v are shown", base, byShares(r))
		}
	}
}

// TestTimelineOfManyYears holds that horizons are to be seen beside twenty years of history, and that those are told of.
func TestTimelineOfManyYears(t *testing.T) {
	r := skewed(0.3)
	r.Cutoffs = []Cutoff{{Day: "2026-05-01", HorizonEnd: "2026-05-08", Use: "train"}, {Day: "2026-05-08", HorizonEnd: "2026-05-15", Use: "test"}}
	line := newTimeline(r)
	if line.Since != "2005-01-01" || line.Ticks[0].Text != "2025-05-01" {
		t.Errorf("known since %q, the picture begins with %s", line.Since, line.Ticks[0].Text)
	}
	for _, row := range line.Rows {
		if row.End-row.Cut < 8 || row.Cut <= row.Past {
			t.Errorf("the horizon of %+v is a sliver", row)
		}
	}
	r.Cutoffs[0].Day, r.Cutoffs[0].HorizonEnd = "2006-01-01", "2006-01-02"
	if row := newTimeline(r).Rows[0]; row.End-row.Cut < 3 {
		t.Errorf("a day is not to be seen: %+v", row)
	}
	r.Cutoffs = r.Cutoffs[1:]
	r.Fit.First = "2026-01-01"
	if line := newTimeline(r); line.Since != "" || line.Ticks[0].Text != "2026-01-01" {
		t.Errorf("known since %q, the picture begins with %s", line.Since, line.Ticks[0].Text)
	}
	var page bytes.Buffer
	if err := skewed(0.0005).HTML(&page); err != nil || strings.Contains(page.String(), "NaN") {
		t.Error(err, "or a number that is none")
	}
}

// TestForestBeyond holds that what lies beyond the scale is drawn with an arrow on that side, and what lies within it is not.
func TestForestBeyond(t *testing.T) {
	strips, _ := forest([]Coefficient{
		{Odds: 230, Interval: [2]float64{89, 620}},
		{Odds: 20, Interval: [2]float64{5, 80}},
		{Odds: 0.001, Interval: [2]float64{0.0001, 0.01}},
		{Odds: 1, Interval: [2]float64{0.001, 900}},
		{Odds: 2, Interval: [2]float64{1.5, 3}},
		{Odds: 30, Interval: [2]float64{28, 32}},
	})
	for i, want := range []struct{ less, more, outside bool }{{false, true, true}, {false, true, false}, {true, false, true}, {true, true, false}, {}, {}} {
		s := strips[i]
		if s.Less != want.less || s.More != want.more || s.Outside != want.outside {
			t.Errorf("%v: less %v, more %v, outside %v", s.Interval, s.Less, s.More, s.Outside)
		}
		if s.X2 < s.X1 || s.X1 < 0 || s.X2 > 100 || (s.Less || s.More) && s.X2-s.X1 < shaft {
			t.Errorf("%v is drawn from %v to %v", s.Interval, s.X1, s.X2)
		}
	}
	if narrow, _ := forest([]Coefficient{{Odds: 1.2, Interval: [2]float64{1, 1.4}}}); narrow[0].Less || narrow[0].More {
		t.Errorf("%+v has an arrow on a scale of its own", narrow[0])
	}
}

// TestFiguresOfRareTargets holds that small figures are not shown as 0, nor different ones as the same, and that what is cut off is said to be.
func TestFiguresOfRareTargets(t *testing.T) {
	r := skewed(0.001)
	r.Figures = Figures{AUC: 0.8, LogLoss: 0.00751, Brier: 0.000991, CalibrationError: 0.00012, Intervals: map[string][2]float64{"calibration_error": {0.00005, 0.0003}}}
	r.Baselines = map[string]Baseline{"recency": {Figures: Figures{LogLoss: 0.00754, Brier: 0.000993}}, "base_rate": {Figures: Figures{LogLoss: 0.00791, Brier: 0.000999}}}
	r.Cutoffs = []Cutoff{{Day: "2026-05-01", Use: "train"}, {Day: "2026-05-08", Use: "test", Figures: &r.Figures}}
	r.Drift = []Drift{{Column: "tenure", PSI: 3.385}, {Column: "last", PSI: 0.1}}
	r.Coefficients = []Coefficient{{Column: "tenure", Odds: 230, Interval: [2]float64{89, 620}}}
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		"<b>0.00751</b>", "<b>0.000991</b>", "<b>0.00012</b>", "0.00005 to 0.00030",
		"<td>0.00751</td><td>0.000991</td>", "<td>0.00754</td><td>0.000993</td>", "<td>0.00791</td><td>0.000999</td>",
		"× 230<br><small>89 to 620", "What has an arrow goes on beyond the scale.", "Bars end at 0.5: one with a gap would be longer.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, `class="gap"`); n != 1 {
		t.Errorf("%d bars are cut", n)
	}
}
