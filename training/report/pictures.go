package report

import (
	"fmt"
	"math"
	"slices"
)

// gain draws the share of positives reached against the share of rows messaged.
func gain(r *Report) *picture {
	c := newPlane(picture{
		Title: "Gain: who is reached by messaging the best first",
		Note:  "The higher above the dashed line, which messages at random, the better.",
		Alt:   "Share of positives reached against share messaged",
		Keys:  []key{{"a", "the model"}, {"b", "recency only"}, {"c", "at random"}}, XLabel: "share of the eligible that is messaged",
	}, 0, 1, 0, 1, quarters(), quarters(), percent, percent)
	c.line("diagonal", 0, 0, 1, 1)
	if len(r.GainRecency) > 0 {
		c.curve("curve b", points(r.GainRecency))
	} else {
		c.Keys = []key{c.Keys[0], c.Keys[2]}
	}
	c.curve("curve a", points(r.Gain))
	return c.picture
}

func points(gain []Point) [][2]float64 {
	out := [][2]float64{{0, 0}}
	for _, p := range gain {
		out = append(out, [2]float64{p.Messaged, p.Caught})
	}
	return out
}

// lift draws by decile how many times the base rate is found.
func lift(r *Report) *picture {
	top := 1.0
	for _, d := range r.Deciles {
		top = max(top, d.Lift, d.LiftInterval[1])
	}
	ys, top := ticks(top, 5)
	c := newPlane(picture{
		Title: "Lift by tenth, the highest scores first",
		Note:  "How many times as many positives as among all. Thin lines are 95 % intervals.",
		Alt:   "Lift by decile of the score", XLabel: "tenth of the eligible by score",
	}, 0.4, 10.6, 0, top, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, ys, plain, plain)
	for i, d := range r.Deciles {
		x := float64(i + 1)
		c.bar("fill a", fmt.Sprintf("tenth %d: %.2f times, %s observed", i+1, d.Lift, Share(d.Observed)), x-0.36, x+0.36, d.Lift)
		c.line("whisker", x, max(d.LiftInterval[0], 0), x, d.LiftInterval[1])
	}
	c.line("diagonal", 0.4, 1, 10.6, 1)
	return c.picture
}

// calibration draws observed shares against predicted ones: by log-odds where the dots would lie on each other else.
func calibration(r *Report) *picture {
	top := 0.0
	var predicted, all []float64
	for _, d := range r.Deciles {
		top = max(top, d.Predicted, d.ObservedInterval[1])
		predicted, all = append(predicted, d.Predicted), append(all, d.Predicted, d.Observed)
	}
	marks, top := ticks(top, 4)
	a, note := linear(marks, fewPercent), ""
	if Crowded(predicted, 0, top) {
		a, note = logOdds(all), " Both axes are stretched, as log-odds, so that dots do not lie on each other; what is 0 or all stands at the edge."
	}
	c := newPlane(picture{
		Title: "Calibration: is 30 % really 30 in a hundred?",
		Note:  "Each dot is a tenth of the eligible. On the dashed line predictions and outcomes agree." + note,
		Alt:   "Observed share of positives against predicted probability", XLabel: "predicted", YLabel: "observed",
	}, a.low, a.high, a.low, a.high, a.marks, a.marks, a.label, a.label)
	c.line("diagonal", a.low, a.low, a.high, a.high)
	for _, d := range r.Deciles {
		x := a.to(d.Predicted)
		c.line("whisker", x, a.to(max(d.ObservedInterval[0], 0)), x, a.to(d.ObservedInterval[1]))
		c.dot("a", fmt.Sprintf("predicted %s, observed %s", Share(d.Predicted), Share(d.Observed)), x, a.to(d.Observed))
	}
	return c.picture
}

// distribution draws how the scores of positives and negatives lie.
func distribution(r *Report) *picture {
	top := 0.0
	var edges []float64
	for _, b := range r.Distribution {
		top = max(top, b.Positives, b.Negatives)
		edges = append(edges, b.From, b.To)
	}
	ys, top := ticks(top, 4)
	a := linear(quarters(), percent)
	if len(edges) > 0 && (edges[0] > 0 || edges[len(edges)-1] < 1) {
		a = logOdds(edges)
	}
	c := newPlane(picture{
		Title: "Scores of those who did, and of those who did not",
		Note:  "The less the two lie over each other, the better the model tells them apart.",
		Alt:   "Distribution of the score by outcome",
		Keys:  []key{{"a", "target holds"}, {"b", "it does not"}}, XLabel: "predicted probability",
	}, a.low, a.high, 0, top, a.marks, ys, a.label, fewPercent)
	var yes, no [][2]float64
	for _, b := range r.Distribution {
		yes = append(yes, [2]float64{a.to(b.From), b.Positives}, [2]float64{a.to(b.To), b.Positives})
		no = append(no, [2]float64{a.to(b.From), b.Negatives}, [2]float64{a.to(b.To), b.Negatives})
	}
	c.area("area b", no)
	c.area("area a", yes)
	return c.picture
}

// disturbed draws whom each threshold catches and whom it disturbs: hundredths of the score; or shares of the eligible by log-odds where scores lie close
// together. Where one outcome is rare, people are shown by their logarithm.
func disturbed(r *Report) *picture {
	var caught, vain, scores, predicted []float64
	for _, d := range r.Deciles {
		predicted = append(predicted, d.Predicted)
	}
	a := linear(quarters(), plain2)
	if Crowded(predicted, 0, 1) && len(r.ByShare) > 0 {
		for _, t := range r.ByShare {
			if t.Score > 0 {
				scores, caught, vain = append(scores, t.Score), append(caught, float64(t.Caught)), append(vain, float64(t.Disturbed))
			}
		}
		a = logOdds(scores)
	} else {
		for _, t := range r.Thresholds {
			scores, caught, vain = append(scores, t.Score), append(caught, float64(t.Caught)), append(vain, float64(t.Disturbed))
		}
	}
	most, least := 0.0, 0.0 // of both outcomes
	if len(caught) > 0 {
		most, least = max(slices.Max(caught), slices.Max(vain)), min(slices.Max(caught), slices.Max(vain))
	}
	people, note := counts(most, least < most/20), ""
	if least < most/20 {
		note = " Going up, each mark is ten times the one below."
	}
	c := newPlane(picture{
		Title: "What each cut-off of the score catches and disturbs",
		Note:  "Messaging everyone with at least this score reaches so many for whom the target holds, and disturbs so many others in vain." + note,
		Alt:   "Caught and disturbed by threshold of the score",
		Keys:  []key{{"a", "caught"}, {"b", "disturbed in vain"}}, XLabel: "smallest score that is messaged",
	}, a.low, a.high, people.low, people.high, a.marks, people.marks, a.label, people.label)
	curve := func(class string, counts []float64) {
		var at [][2]float64
		for i, n := range counts {
			at = append(at, [2]float64{a.to(scores[i]), people.to(n)})
		}
		c.curve(class, at)
	}
	curve("curve b", vain)
	curve("curve a", caught)
	return c.picture
}

func plain2(v float64) string { return fmt.Sprintf("%.2f", v) }

// short is a count in few characters.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", math.Round(v/1e5)/10)
	case v >= 1e4:
		return fmt.Sprintf("%gk", math.Round(v/100)/10)
	}
	return fmt.Sprintf("%g", math.Round(v*10)/10)
}
