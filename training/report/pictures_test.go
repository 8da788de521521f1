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
