package report

import (
	"fmt"
	"math"
	"time"
)

// strip is a coefficient with the place of its interval on a scale of odds that all share.
type strip struct {
	Coefficient
	X1, X2, X  float64 // of the interval and of the odds, 0 to 100
	Less, More bool    // whether it goes on beyond the scale on that side
	Outside    bool    // whether the odds themselves are beyond
	Class      string
	Text       string
}

// shaft is how much is drawn of an interval that lies beyond the scale, for its arrow to stand on.
const shaft = 7.0

// forestRange is the largest factor that the scale of the forest shows; what lies beyond is cut at the edge.
const forestRange = 32

// forest lays coefficients on a logarithmic scale around 1.
func forest(all []Coefficient) ([]strip, []label) {
	top := math.Log(2)
	for _, c := range all[:min(len(all), 20)] { // others are cut at the edge
		for _, v := range []float64{c.Interval[0], c.Interval[1]} {
			if v > 0 && !math.IsInf(v, 0) {
				top = max(top, math.Abs(math.Log(v)))
			}
		}
	}
	top = min(top, math.Log(forestRange))
	at := func(odds float64) float64 {
		if odds <= 0 {
			return 0
		}
		return round1(min(max(50+50*math.Log(odds)/top, 0), 100))
	}
	var strips []strip
	for _, c := range all {
		s := strip{Coefficient: c, X1: at(c.Interval[0]), X2: at(c.Interval[1]), X: at(c.Odds), Class: "unsure"}
		beyond := func(odds float64) (less, more bool) {
			return odds < math.Exp(-top*1.001), odds > math.Exp(top*1.001)
		}
		s.Less, _ = beyond(c.Interval[0])
		_, s.More = beyond(c.Interval[1])
		less, more := beyond(c.Odds)
		s.Outside = less || more
		if s.Less {
			s.X2 = max(s.X2, shaft)
		}
		if s.More {
			s.X1 = min(s.X1, 100-shaft)
		}
		switch {
		case c.Interval[0] > 1:
			s.Class = "more"
		case c.Interval[1] < 1:
			s.Class = "less"
		}
		s.Text = fmt.Sprintf("%s to %s", odds(c.Interval[0]), odds(c.Interval[1]))
		strips = append(strips, s)
	}
	var marks []label
	for _, v := range []float64{1. / 32, 1. / 16, 1. / 8, 1. / 4, 1. / 2, 1, 2, 4, 8, 16, 32} {
		if math.Abs(math.Log(v)) <= top*1.001 && (top < math.Log(9) || math.Abs(math.Mod(math.Log2(v), 2)) != 1) {
			text := fmt.Sprintf("× %g", v)
			if v < 1 {
				text = fmt.Sprintf("× 1/%g", 1/v)
			}
			marks = append(marks, label{X: at(v), Text: text})
		}
	}
	return strips, marks
}

// timeline shows when each cut-off's past ends and its horizon runs.
type timeline struct {
	W, H, AxisY float64
	Rows        []timelineRow
	Ticks       []label
	Since       string // the day on which the data begins, where that is before the picture does
}

type timelineRow struct {
	Y, Down        float64 // of the line at the cut-off
	Past, Cut, End float64 // where the past begins, the cut-off and the end of the horizon are
	Text           string
	Class          string
}

// shownDays is how many days before the oldest cut-off are shown: what was known before is told in words.
const shownDays = 365

func newTimeline(r *Report) *timeline {
	day := func(text string) (float64, bool) {
		t, err := time.Parse(time.DateOnly, text)
		return float64(t.Unix() / 86400), err == nil
	}
	first, ok := day(r.Fit.First)
	last, ok2 := day(r.Fit.Last)
	if !ok || !ok2 || len(r.Cutoffs) == 0 {
		return nil
	}
	oldest := last
	end := first
	for _, c := range r.Cutoffs {
		if at, ok := day(c.HorizonEnd); ok {
			end = max(end, at)
		}
		if at, ok := day(c.Day); ok {
			oldest = min(oldest, at)
		}
	}
	// What came after the last horizon by more than that again would make slivers of the horizons as well.
	last = max(end, min(last, end+shownDays))
	since := ""
	if begin := oldest - shownDays; begin > first {
		first, since = begin, r.Fit.First
	}
	if last <= first {
		return nil
	}
	const left, right, rowH, thinnest = 8.0, 8.0, 26.0, 3.0
	t := &timeline{W: 640, H: float64(len(r.Cutoffs))*rowH + 34, Since: since}
	t.AxisY = t.H - 26
	x := func(d float64) float64 { return round1(left + (d-first)/(last-first)*(t.W-left-right)) }
	for i, c := range r.Cutoffs {
		cut, ok := day(c.Day)
		end, ok2 := day(c.HorizonEnd)
		if !ok || !ok2 {
			continue
		}
		class := "a"
		if c.Use == "test" {
			class = "b"
		}
		t.Rows = append(t.Rows, timelineRow{Y: 6 + float64(i)*rowH, Down: 18 + float64(i)*rowH, Past: x(first), Cut: x(max(cut, first)), End: max(x(end), round1(x(max(cut, first))+thinnest)), Text: c.Day + " " + c.Use, Class: class})
	}
	for i, at := range []float64{first, first + math.Round((last-first)/2), last} {
		anchor := []string{"start", "middle", "end"}[i]
		t.Ticks = append(t.Ticks, label{X: x(at), Y: t.H - 8, Anchor: anchor, Text: time.Unix(int64(at)*86400, 0).UTC().Format(time.DateOnly)})
	}
	return t
}
