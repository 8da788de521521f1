package training

import (
	"math"
	"slices"

	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/training/report"
)

// thresholds says for each hundredth of the probability what messaging from there on catches and disturbs.
func thresholds(r metrics.Rows) []report.Threshold {
	const steps = 100
	var caught, vain [steps + 2]float64 // by the last threshold that is reached; one more for their sums
	for i, p := range r.Probability {
		at := int(math.Floor(p * steps))
		// The hundredths are floats, too: p is compared with the one that an expression would name.
		for at < steps && float64(at+1)/steps <= p {
			at++
		}
		for at > 0 && float64(at)/steps > p {
			at--
		}
		if r.Label[i] {
			caught[at] += float64(r.Weight[i])
		} else {
			vain[at] += float64(r.Weight[i])
		}
	}
	for i := steps; i >= 0; i-- {
		caught[i] += caught[i+1]
		vain[i] += vain[i+1]
	}
	var all []report.Threshold
	for i := range steps + 1 {
		t := report.Threshold{
			Score: float64(i) / steps, Messaged: int(math.Round(caught[i] + vain[i])), Caught: int(math.Round(caught[i])), Disturbed: int(math.Round(vain[i])),
			Recall: ratio(caught[i], caught[0]), Precision: ratio(caught[i], caught[i]+vain[i]),
		}
		all = append(all, t)
	}
	return all
}

// distribution says how scores of positives and of negatives are spread over twentieths of the probability.
func distribution(r metrics.Rows) []report.Bin {
	const parts = 20
	all := make([]report.Bin, parts)
	var yes, no float64
	for i, p := range r.Probability {
		b, w := &all[min(int(p*parts), parts-1)], float64(r.Weight[i])
		if r.Label[i] {
			b.Positives += w
			yes += w
		} else {
			b.Negatives += w
			no += w
		}
	}
	for i := range all {
		all[i].From, all[i].To = float64(i)/parts, float64(i+1)/parts
		all[i].Positives, all[i].Negatives = ratio(all[i].Positives, yes), ratio(all[i].Negatives, no)
	}
	return all
}

func deciles(r metrics.Rows) ([]report.Decile, error) {
	found, err := metrics.Deciles(r)
	if err != nil {
		return nil, err
	}
	rows, positives := 0.0, 0.0
	for _, d := range found {
		rows += d.Rows
		positives += d.Positives
	}
	base := ratio(positives, rows)
	var all []report.Decile
	for _, d := range found {
		all = append(all, report.Decile{
			Predicted: d.Probability, Observed: d.Rate, ObservedInterval: [2]float64{d.Low, d.High},
			Lift: d.Lift, LiftInterval: [2]float64{ratio(d.Low, base), ratio(d.High, base)},
		})
	}
	return all, nil
}

func gain(r metrics.Rows) ([]report.Point, error) {
	found, err := metrics.Gain(r, 50)
	if err != nil {
		return nil, err
	}
	var all []report.Point
	for _, p := range found {
		all = append(all, report.Point{Messaged: p.Share, Caught: p.Caught})
	}
	return slices.DeleteFunc(all, func(p report.Point) bool { return p.Messaged == 0 }), nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
