package training

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"whowhen.dev/whowhen/models"
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
		all = append(all, threshold(float64(i)/steps, caught[i], vain[i], caught[0]))
	}
	return all
}

// byShare says for shares of the rows what messaging those with the highest scores catches and disturbs. Whoever has the score of the last one is among
// them, so shares that end at the same score are one.
func byShare(r metrics.Rows) []report.ShareThreshold {
	shares := [...]float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1}
	order := make([]int, len(r.Probability))
	total, positives := 0.0, 0.0
	for i := range order {
		order[i] = i
		total += float64(r.Weight[i])
		if r.Label[i] {
			positives += float64(r.Weight[i])
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Probability[b], r.Probability[a]), cmp.Compare(a, b))
	})
	var all []report.ShareThreshold
	caught, vain, next := 0.0, 0.0, 0
	for at, i := range order {
		if r.Label[i] {
			caught += float64(r.Weight[i])
		} else {
			vain += float64(r.Weight[i])
		}
		below := -1.0
		if at+1 < len(order) {
			below = r.Probability[order[at+1]]
		}
		// The sum of a sample's weights may fall short of the whole by a rounding.
		share := (caught + vain) / total * (1 + 1e-9)
		if below == r.Probability[i] || next == len(shares) || share < shares[next] {
			continue
		}
		for next < len(shares) && shares[next] <= share {
			next++
		}
		// Where several shares end among equal scores, it stands for the largest, which it exceeds by least.
		all = append(all, report.ShareThreshold{Share: shares[next-1], Threshold: threshold(cut(r.Probability[i], below), caught, vain, positives)})
	}
	return all
}

// cut is the shortest decimal that is at most p and above below.
func cut(p, below float64) float64 {
	text := strconv.FormatFloat(p, 'f', 20, 64)
	point := strings.IndexByte(text, '.')
	for end := point; end <= len(text); end++ {
		if v, err := strconv.ParseFloat(text[:end], 64); err == nil && v > below && v <= p {
			return v
		}
	}
	return p
}

func threshold(score, caught, vain, positives float64) report.Threshold {
	return report.Threshold{
		Score: score, Messaged: int(math.Round(caught + vain)), Caught: int(math.Round(caught)), Disturbed: int(math.Round(vain)),
		Recall: ratio(caught, positives), Precision: ratio(caught, caught+vain),
	}
}

// distribution says how scores of positives and of negatives are spread over twentieths of the probability; or of the log-odds between the lowest and the
// highest score, where most of the tenths by score, the deciles, lie too close together for that to show anything.
func distribution(r metrics.Rows, deciles []report.Decile) []report.Bin {
	const parts = 20
	scale, back := func(p float64) float64 { return p }, func(v float64) float64 { return v }
	low, high := 0.0, 1.0
	var predicted []float64
	for _, d := range deciles {
		predicted = append(predicted, d.Predicted)
	}
	if report.Crowded(predicted, 0, 1) {
		scale, back = func(p float64) float64 { return math.Log(p / (1 - p)) }, models.Probability
		low, high = scale(slices.Min(r.Probability)), scale(slices.Max(r.Probability))
		if high-low < 0.01 {
			low, high = low-0.01, high+0.01
		}
	}
	all := make([]report.Bin, parts)
	var yes, no float64
	for i, p := range r.Probability {
		b, w := &all[min(max(int((scale(p)-low)/(high-low)*parts), 0), parts-1)], float64(r.Weight[i])
		if r.Label[i] {
			b.Positives += w
			yes += w
		} else {
			b.Negatives += w
			no += w
		}
	}
	for i := range all {
		all[i].From, all[i].To = back(low+(high-low)*float64(i)/parts), back(low+(high-low)*float64(i+1)/parts)
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
