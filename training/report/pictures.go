package report

import (
	"fmt"
	"math"
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
		c.bar("fill a", fmt.Sprintf("tenth %d: %.2f times, %s observed", i+1, d.Lift, share(d.Observed)), x-0.36, x+0.36, d.Lift)
		c.line("whisker", x, max(d.LiftInterval[0], 0), x, d.LiftInterval[1])
	}
	c.line("diagonal", 0.4, 1, 10.6, 1)
	return c.picture
}

// calibration draws observed shares against predicted ones.
func calibration(r *Report) *picture {
	top := 0.0
	for _, d := range r.Deciles {
		top = max(top, d.Predicted, d.ObservedInterval[1])
	}
	ts, top := ticks(top, 4)
	c := newPlane(picture{
		Title: "Calibration: is 30 % really 30 in a hundred?",
		Note:  "Each dot is a tenth of the eligible. On the dashed line predictions and outcomes agree.",
		Alt:   "Observed share of positives against predicted probability", XLabel: "predicted", YLabel: "observed",
	}, 0, top, 0, top, ts, ts, share, share)
	c.line("diagonal", 0, 0, top, top)
	for _, d := range r.Deciles {
		c.line("whisker", d.Predicted, max(d.ObservedInterval[0], 0), d.Predicted, d.ObservedInterval[1])
		c.dot("a", fmt.Sprintf("predicted %s, observed %s", share(d.Predicted), share(d.Observed)), d.Predicted, d.Observed)
	}
	return c.picture
}

// distribution draws how the scores of positives and negatives lie.
func distribution(r *Report) *picture {
	top := 0.0
	for _, b := range r.Distribution {
		top = max(top, b.Positives, b.Negatives)
	}
	ys, top := ticks(top, 4)
	c := newPlane(picture{
		Title: "Scores of those who did, and of those who did not",
		Note:  "The less the two lie over each other, the better the model tells them apart.",
		Alt:   "Distribution of the score by outcome",
		Keys:  []key{{"a", "target holds"}, {"b", "it does not"}}, XLabel: "predicted probability",
	}, 0, 1, 0, top, quarters(), ys, percent, share)
	var yes, no [][2]float64
	for _, b := range r.Distribution {
		yes = append(yes, [2]float64{b.From, b.Positives}, [2]float64{b.To, b.Positives})
		no = append(no, [2]float64{b.From, b.Negatives}, [2]float64{b.To, b.Negatives})
	}
	c.area("area b", no)
	c.area("area a", yes)
	return c.picture
}

// disturbed draws whom each threshold catches and whom it disturbs.
func disturbed(r *Report) *picture {
	top := 0.0
	for _, t := range r.Thresholds {
		top = max(top, float64(t.Caught), float64(t.Disturbed))
	}
	ys, top := ticks(top, 4)
	c := newPlane(picture{
		Title: "What each cut-off of the score catches and disturbs",
		Note:  "Messaging everyone with at least this score reaches so many for whom the target holds, and disturbs so many others in vain.",
		Alt:   "Caught and disturbed by threshold of the score",
		Keys:  []key{{"a", "caught"}, {"b", "disturbed in vain"}}, XLabel: "smallest score that is messaged",
	}, 0, 1, 0, top, quarters(), ys, plain2, func(v float64) string { return short(v) })
	var caught, vain [][2]float64
	for _, t := range r.Thresholds {
		caught = append(caught, [2]float64{t.Score, float64(t.Caught)})
		vain = append(vain, [2]float64{t.Score, float64(t.Disturbed)})
	}
	c.curve("curve b", vain)
	c.curve("curve a", caught)
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
