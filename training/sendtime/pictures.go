package sendtime

import (
	"fmt"
	"slices"

	model "whowhen.dev/whowhen/models/sendtime"
)

const (
	chartW, chartH = 400.0, 250.0
	leastZoneCIDs  = 20 // for a row of the heat map
)

// heatMap shows the curve of each zone that has enough CIDs, on weekdays and at the weekend.
func heatMap(c *model.Curves) *picture {
	const cell, row, left, apart, top = 15.0, 17.0, 110.0, 26.0, 34.0
	type zone struct {
		name  string
		cids  float64
		curve *model.Curve
	}
	zones := []zone{{"everyone", c.CIDs, &c.Everyone}}
	for i, n := range c.ZoneCIDs {
		if n >= leastZoneCIDs {
			zones = append(zones, zone{zoneName(i + model.FirstZoneHour), n, &c.Zone[i]})
		}
	}
	p := &picture{Title: "When each zone is active", Axes: "across: local hour; down: hours that clocks are ahead of UTC", Wide: true,
		Note: "The darker, the likelier is activity in the hour on a day with activity; weekdays left, weekends right. Every CID weighs the same. This is what is assumed of a CID nothing is known of.",
		W:    left + 2*model.Hours*cell + apart + 10, H: top + float64(len(zones))*row + 6}
	most := 0.0
	for _, z := range zones {
		for class := range z.curve {
			for _, v := range z.curve[class] {
				most = max(most, v)
			}
		}
	}
	for class, name := range []string{"weekday", "weekend"} {
		x0 := left + float64(class)*(model.Hours*cell+apart)
		p.Texts = append(p.Texts, text{x0 + model.Hours*cell/2, 12, "middle", name})
		for h := 0; h < model.Hours; h += 3 {
			p.Texts = append(p.Texts, text{x0 + (float64(h)+0.5)*cell, 28, "middle", clock(float64(h))})
		}
		for i, z := range zones {
			y := top + float64(i)*row
			if class == 0 {
				p.Texts = append(p.Texts, text{left - 6, y + 12, "end", fmt.Sprintf("%s (%s)", z.name, count(int(z.cids)))})
			}
			for h, v := range z.curve[class] {
				title := fmt.Sprintf("%s, %s, %02d:00: %s", z.name, name, h, percent(v))
				p.Rects = append(p.Rects, rect{tenth(x0 + float64(h)*cell), y, cell - 1, row - 1, float64(int(1000*v/most)) / 1000, "heat", title})
			}
		}
	}
	return p
}

func zoneName(hour int) string {
	if hour == 0 {
		return "UTC"
	}
	return fmt.Sprintf("%+d", hour)
}

// hitCurves compares how many hours it takes to hit.
func hitCurves(r *Report) *picture {
	p := newPlane(picture{Title: "How many hours it takes", Axes: "across: hours tried, best first; up: days on which one of them held activity",
		Note: "A message sent at the first hour finds activity in that very hour on so many of the days with activity."}, chartW, chartH, 1, 12, 1)
	p.ticks([]float64{1, 2, 3, 4, 6, 8, 10, 12}, []float64{0, .25, .5, .75, 1}, func(v float64) string { return fmt.Sprint(v) }, percent)
	draw := func(class, name string, curve []float64) {
		xs := make([]float64, 12)
		for k := range xs {
			xs[k] = float64(k + 1)
		}
		p.curve("curve "+class, xs, curve[:12])
		p.Keys = append(p.Keys, key{class, name})
	}
	for _, b := range r.Baselines {
		switch b.Name {
		case methodNames()[everyoneCurve]:
			draw("c", MethodWords(b.Name), b.HitCurve)
		case methodNames()[ownHour]:
			draw("b", MethodWords(b.Name), b.HitCurve)
		}
	}
	draw("a", MethodWords(methodNames()[theModel]), r.HitCurve)
	return p.picture
}

// calibration shows what came of probabilities.
func calibration(title, note string, all []Bin, top float64) *picture {
	const least = 30 // of fewer, a share says little
	bins := slices.DeleteFunc(slices.Clone(all), func(b Bin) bool { return b.Count < least })
	for _, b := range bins {
		top = max(top, b.Predicted, b.Observed)
	}
	p := newPlane(picture{Title: title, Note: note, Axes: "across: predicted; up: observed"}, chartW, chartH, 0, top, top)
	steps := roundSteps(top, 5)
	p.ticks(steps, steps, percent, percent)
	p.segment("diagonal", 0, 0, top, top)
	xs, ys := make([]float64, len(bins)), make([]float64, len(bins))
	for i, b := range bins {
		xs[i], ys[i] = b.Predicted, b.Observed
	}
	p.curve("curve a", xs, ys)
	for _, b := range bins {
		p.dot("a", fmt.Sprintf("%s times about %s, came true %s", count(b.Count), percent(b.Predicted), percent(b.Observed)), b.Predicted, b.Observed)
	}
	return p.picture
}

// byEvidence shows what each CID's own history is worth.
func byEvidence(r *Report) *picture {
	top := 0.1
	for _, e := range r.ByEvidence {
		top = max(top, e.Intervals.HitAt3[1])
	}
	p := newPlane(picture{Title: "What a history is worth", Axes: "across: earlier active days; up: days hit",
		Note: "With whiskers of 95 %, clustered by CID. Upper dots: one of the first three hours; lower dots: the first hour.",
		Keys: []key{{"a", "the model"}, {"c", "the zone's curve"}}}, chartW, chartH, 0, float64(len(r.ByEvidence)), top)
	p.ticks(nil, roundSteps(top, 5), nil, percent)
	for i, e := range r.ByEvidence {
		x := float64(i) + 0.5
		p.Texts = append(p.Texts, text{p.x(x), p.y(0) + 14, "middle", e.Evidence})
		if e.Days == 0 {
			continue
		}
		for _, f := range []struct {
			value    float64
			interval Interval
		}{{e.HitAt1, e.Intervals.HitAt1}, {e.HitAt3, e.Intervals.HitAt3}} {
			p.segment("whisker", x-0.1, max(0, f.interval[0]), x-0.1, f.interval[1])
			p.dot("a", percent(f.value), x-0.1, f.value)
		}
		for _, b := range e.Baselines {
			if b.Name == methodNames()[zoneCurve] {
				p.dot("c", percent(b.HitAt1), x+0.1, b.HitAt1)
				p.dot("c", percent(b.HitAt3), x+0.1, b.HitAt3)
			}
		}
	}
	return p.picture
}

// exampleOf shows a CID: bars are when it was active, the line is what was predicted for its last day.
func exampleOf(e *example) *picture {
	shares, top := make([]float64, model.Hours), 0.05
	for h, n := range e.counts {
		shares[h] = float64(n) / float64(e.days)
		top = max(top, shares[h], e.hour[h])
	}
	p := newPlane(picture{Title: e.cid, Axes: "local hour", Note: fmt.Sprintf("%s days judged; the last one with %s active days before it.", count(e.days), count(e.evidence))},
		300, 150, 0, model.Hours, top)
	p.ticks([]float64{0, 6, 12, 18, 24}, roundSteps(top, 3), clock, percent)
	xs := make([]float64, model.Hours)
	for h := range xs {
		xs[h] = float64(h) + 0.5
		if shares[h] > 0 {
			p.bar("fill", fmt.Sprintf("%02d:00: %s of its days", h, percent(shares[h])), float64(h)+0.1, float64(h)+0.9, shares[h])
		}
	}
	p.curve("curve a", xs, e.hour[:])
	return p.picture
}
