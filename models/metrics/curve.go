package metrics

import (
	"fmt"
	"sort"
)

// GainPoint says what messaging the most probable rows catches.
type GainPoint struct {
	// Share of the rows, by weight, and Caught, the share of the positives among them.
	Share  float64 `json:"share"`
	Caught float64 `json:"caught"`
	// Probability is the lowest among those rows.
	Probability float64 `json:"probability"`
}

// Gain is the gain curve at 0, 1/points, 2/points, ... 1 of the rows. Rows tied at a border count in part.
func Gain(r Rows, points int) ([]GainPoint, error) {
	t, err := r.check()
	if err != nil {
		return nil, err
	}
	if points < 1 || points > 10_000 {
		return nil, fmt.Errorf("metrics: a curve of %d points cannot be drawn; use 1 to 10000", points)
	}
	if t.positive == 0 {
		return nil, ErrOneClass
	}
	c := r.cumulate()
	out := make([]GainPoint, points+1)
	for k := range out {
		share := float64(k) / float64(points)
		at := c.at(share * t.all)
		out[k] = GainPoint{Share: share, Caught: at.positive / t.positive, Probability: at.lowest}
	}
	return out, nil
}

// Decile is a tenth of the rows, by weight.
type Decile struct {
	// Rows and Positives are sums of weights; rows tied at a border count in part in both tenths.
	Rows      float64 `json:"rows"`
	Positives float64 `json:"positives"`
	// Probability is the mean predicted, Rate the share of positives that came, with Low and High its 95 % interval
	// by E. Wilson (JASA 1927) as if the rows were independent.
	Probability float64 `json:"probability"`
	Rate        float64 `json:"rate"`
	Low         float64 `json:"low"`
	High        float64 `json:"high"`
	// Lift is Rate over the rate of all rows, 0 when there are no positives at all.
	Lift float64 `json:"lift"`
	// Highest and Lowest are the extreme probabilities in it.
	Highest float64 `json:"highest"`
	Lowest  float64 `json:"lowest"`
}

// Deciles are tenths of the rows from the most probable to the least.
func Deciles(r Rows) ([]Decile, error) {
	t, err := r.check()
	if err != nil {
		return nil, err
	}
	c := r.cumulate()
	base := t.positive / t.all
	perRow := float64(len(r.Probability)) / t.all // so that weights do not pretend to more rows than there are
	out := make([]Decile, 10)
	before := c.at(0)
	for k := range out {
		at := c.at(float64(k+1) / 10 * t.all)
		d := Decile{Rows: at.weight - before.weight, Positives: max(0, at.positive-before.positive), Highest: before.next, Lowest: at.lowest}
		if d.Rows > 0 {
			d.Probability = min(1, max(0, (at.probability-before.probability)/d.Rows))
			d.Rate = min(1, d.Positives/d.Rows)
			d.Low, d.High = wilson(d.Rate, d.Rows*perRow)
			if base > 0 {
				d.Lift = d.Rate / base
			}
		}
		out[k] = d
		before = at
	}
	return out, nil
}

// cumulative are the rows added up from the most probable on, one step for each probability that occurs.
type cumulative []step

type step struct {
	weight, positive, probability float64 // sums up to the end of the step
	value                         float64 // the probability of the step
}

func (r Rows) cumulate() cumulative {
	order := r.byProbability()
	var c cumulative
	var sum step
	for low := 0; low < len(order); {
		high, p, n := r.tie(order, low)
		value := r.Probability[order[low]]
		sum = step{sum.weight + p + n, sum.positive + p, sum.probability + value*(p+n), value}
		c = append(c, sum)
		low = high
	}
	return c
}

type point struct{ weight, positive, probability, lowest, next float64 }

// at adds up the first so much weight of the rows, a step at the border in part. Lowest is the last probability
// within and next the one that follows.
func (c cumulative) at(weight float64) point {
	if weight <= 0 {
		return point{lowest: c[0].value, next: c[0].value}
	}
	last := c[len(c)-1]
	weight = min(weight, last.weight)
	k := sort.Search(len(c), func(i int) bool { return c[i].weight >= weight })
	var before step
	if k > 0 {
		before = c[k-1]
	}
	part := (weight - before.weight) / (c[k].weight - before.weight)
	next := c[k].value
	if part == 1 && k+1 < len(c) {
		next = c[k+1].value
	}
	return point{
		weight:      weight,
		positive:    before.positive + part*(c[k].positive-before.positive),
		probability: before.probability + part*(c[k].probability-before.probability),
		lowest:      c[k].value,
		next:        next,
	}
}
