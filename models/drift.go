package models

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bins part the values of a column, or scores, and say what share of the training rows was in each part, so that
// later values can be compared. They are plain data, kept in the artifact.
type Bins struct {
	// Edges increase. Bin 0 holds values below Edges[0], bin i those from Edges[i-1] on and below Edges[i]; the last
	// bin holds missing values.
	Edges []float64 `json:"edges"`
	// Shares are of the training rows, by weight; len(Edges)+2 of them.
	Shares []float64 `json:"shares"`
}

// maxBins bounds bins of levels, which have one for each level and one for other.
const maxBins = MaxLevels + 2

// NewBins parts numbers at their quantiles into at most parts bins of about equal weight; weights may be nil.
// Ties are never parted, so there may be fewer bins.
func NewBins(values, weights []float32, parts int) Bins {
	sample := make([]float64, 0, min(len(values), sampleRows))
	for _, i := range sampleOf(len(values)) {
		if x := values[i]; x == x {
			sample = append(sample, float64(x))
		}
	}
	slices.Sort(sample)
	b := Bins{Edges: []float64{}}
	for k := 1; k < min(parts, 1000) && len(sample) > 0; k++ {
		// The lowest value of all is no edge: nothing would be below it.
		edge := sample[len(sample)*k/parts]
		if edge > sample[0] && !math.IsInf(edge, 0) && (len(b.Edges) == 0 || edge > b.Edges[len(b.Edges)-1]) {
			b.Edges = append(b.Edges, edge)
		}
	}
	return b.shared(values, weights)
}

// newLevelBins gives each level a bin of its own, and other values one.
func newLevelBins(levels int, values, weights []float32) Bins {
	b := Bins{}
	for i := 1; i <= levels; i++ {
		b.Edges = append(b.Edges, float64(i))
	}
	return b.shared(values, weights)
}

func (b Bins) shared(values, weights []float32) Bins {
	b.Shares = make([]float64, len(b.Edges)+2)
	total := 0.0
	find := b.finder()
	for i, x := range values {
		w := 1.0
		if weights != nil {
			w = float64(weights[i])
		}
		b.Shares[find(x)] += w
		total += w
	}
	for i := range b.Shares {
		if total > 0 {
			b.Shares[i] /= total
		}
	}
	return b
}

// finder is bin for many values, with the bins of small whole numbers, which most values are, kept ready.
func (b Bins) finder() func(float32) int {
	var ready [256]int
	for i := range ready {
		ready[i] = b.bin(float32(i))
	}
	return func(x float32) int {
		if k := int32(x); uint(k) < uint(len(ready)) && float32(k) == x {
			return ready[k]
		}
		return b.bin(x)
	}
}

func (b Bins) bin(x float32) int {
	if x != x {
		return len(b.Edges) + 1
	}
	low, high := 0, len(b.Edges)
	for low < high {
		if middle := (low + high) / 2; float64(x) < b.Edges[middle] {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// Count adds to counts, which has as many elements as Shares, how many of the values are in each bin.
func (b Bins) Count(values []float32, counts []int64) error {
	if len(counts) != len(b.Edges)+2 {
		return fmt.Errorf("models: %d counts are given for %d bins", len(counts), len(b.Edges)+2)
	}
	find := b.finder()
	for _, x := range values {
		counts[find(x)]++
	}
	return nil
}

// PSI is the population stability index of counts against the training shares: the sum over the bins of
// (now - then) ln(now/then). Below 0.1 is commonly read as stable and above 0.25 as another population (N. Siddiqi,
// Credit Risk Scorecards, 2006). A share below 1 in 10,000, on either side, counts as that, so that the index is
// finite. Counts that are none, negative or of another length are an error.
func (b Bins) PSI(counts []int64) (float64, error) {
	if len(counts) != len(b.Shares) {
		return 0, fmt.Errorf("models: %d counts are given for %d bins", len(counts), len(b.Shares))
	}
	total := 0.0
	for _, n := range counts {
		if n < 0 {
			return 0, errors.New("models: a count is negative")
		}
		total += float64(n)
	}
	if total == 0 {
		return 0, errors.New("models: nothing was counted, so nothing can be compared")
	}
	const least = 1e-4
	psi := 0.0
	for i, n := range counts {
		then, now := max(b.Shares[i], least), max(float64(n)/total, least)
		psi += (now - then) * math.Log(now/then)
	}
	return psi, nil
}

func (b Bins) check() error {
	if len(b.Edges) > maxBins || len(b.Shares) != len(b.Edges)+2 {
		return fmt.Errorf("there are %d edges and %d shares; shares are two more than edges, which are at most %d", len(b.Edges), len(b.Shares), maxBins)
	}
	for i, edge := range b.Edges {
		if math.IsNaN(edge) || math.IsInf(edge, 0) || i > 0 && edge <= b.Edges[i-1] {
			return errors.New("the edges are not finite and increasing")
		}
	}
	for _, share := range b.Shares {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("the share %v is not within 0 and 1", share)
		}
	}
	return nil
}

// sampleRows bounds the rows that quantiles are taken from.
const sampleRows = 1 << 14

// sampleOf are at most sampleRows indexes of rows, evenly spread.
func sampleOf(rows int) []int {
	n := min(rows, sampleRows)
	indexes := make([]int, n)
	for i := range indexes {
		indexes[i] = int(int64(i) * int64(rows) / int64(n))
	}
	return indexes
}
