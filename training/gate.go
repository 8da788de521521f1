package training

import (
	"fmt"

	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/training/report"
)

// gate lets a model pass that surely has less log loss than the base rate and than recency alone, and not surely more than the active model: by
// the 95 % intervals of the paired differences, clustered by CID, over the rows of all test cut-offs.
func gate(trials []*trial, hasActive bool) (report.Gate, error) {
	g := report.Gate{Passed: true}
	against := []struct{ name, words string }{{baseRate, "the base rate of training"}, {recencyOnly, "recency alone"}}
	if hasActive {
		against = append(against, struct{ name, words string }{activeModel, "the active model"})
	}
	for _, a := range against {
		better, err := paired(trials, a.name)
		if err != nil {
			return g, err
		}
		verdict := "better than"
		switch {
		case better.High < 0:
			g.Passed = false
			verdict = "worse than"
		case better.Low <= 0:
			// As good as the active model is good enough to take its place: it is newer.
			g.Passed = g.Passed && a.name == activeModel
			verdict = "not surely better than"
		}
		by := metrics.FormatDifferences(better.Value, better.Low, better.High)
		g.Reasons = append(g.Reasons, fmt.Sprintf("%s %s, by %s in log loss (95 %%: %s to %s)", verdict, a.words, by[0], by[1], by[2]))
	}
	return g, nil
}

// paired is by how much the model's log loss is less than another's, over all trials.
func paired(trials []*trial, name string) (metrics.Estimate, error) {
	var r metrics.Rows
	var other []float64
	for _, t := range trials {
		r.Probability = append(r.Probability, t.predictions[theModel]...)
		r.Label = append(r.Label, t.label...)
		r.Weight = append(r.Weight, t.weight...)
		r.Group = append(r.Group, t.group...)
		other = append(other, t.predictions[name]...)
	}
	d, err := metrics.LogLossDifference(r, other)
	return metrics.Estimate{Value: -d.Value, StandardError: d.StandardError, Low: -d.High, High: -d.Low}, err
}
