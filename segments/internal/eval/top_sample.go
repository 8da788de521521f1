package eval

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
)

const (
	// samples is how many values a guess is made from, about; of each block there are fewSamples to manySamples.
	samples     = 4096
	fewSamples  = 16
	manySamples = 256
	// mostGuesses bounds how often values that happen to lie at the distances of a sample can mislead. After so many the range is
	// halved with each pass.
	mostGuesses = 8
)

// samplesOf returns how many values of each block are sampled.
func samplesOf(blocks int) int { return min(max(fewSamples, samples/blocks), manySamples) }

// weighted is a sampled value and how many candidates it stands for.
type weighted struct {
	value  int64
	weight float64
}

// guessRange returns between which two values, both within the range that is left, that of the last one taken lies most
// probably: by the sample, give or take four standard deviations of a share in it. At least one of the two is not an end of the range.
func (t *top) guessRange(limit uint64) (low, high int64) {
	var all []weighted
	for _, b := range t.blocks {
		if b.open.Count() == 0 {
			continue
		}
		from := len(all)
		for _, v := range b.guess.sample {
			if t.low <= v && v <= t.high {
				all = append(all, weighted{value: v})
			}
		}
		for i := range all[from:] {
			all[from+i].weight = float64(b.open.Count()) / float64(len(all)-from)
		}
	}
	middle := t.low + int64((uint64(t.high)-uint64(t.low))/2)
	if t.passes++; len(all) == 0 || t.passes > mostGuesses {
		return middle + 1, t.high
	}
	slices.SortFunc(all, func(a, b weighted) int { return cmp.Compare(b.value, a.value) })
	total := 0.0
	for _, w := range all {
		total += w.weight
	}
	wanted := float64(limit-t.above) / float64(t.open) // of the open, from the greatest
	margin := 4*math.Sqrt(wanted*(1-wanted)/float64(len(all))) + 2/float64(len(all))
	low, high = t.low, t.high
	sum, found := 0.0, false
	for _, w := range all {
		if !found && wanted > margin && sum/total >= wanted-margin {
			high, found = w.value, true
		}
		if sum += w.weight; sum/total > wanted+margin {
			low = w.value
			break
		}
	}
	if low == t.low && high == t.high {
		low = middle + 1
	}
	return low, high
}

// sampleOf returns values of some members, at even distances: about so many of them, or a few more.
func (b *topBlock) sampleOf(values *column.Block, of *bitmap.Block, most int) []int64 {
	n := of.Count()
	sample := make([]int64, 0, min(n, 2*most))
	every := max(1, n/most)
	wanted := every / 2 // member that comes next, counted from 0
	add := func(x uint16) {
		cell, _ := values.At(x)
		sample = append(sample, cell.Data*b.factor)
		wanted += every
	}
	at := 0
	if !of.Dense() {
		of.Each(func(x uint16) {
			if at == wanted {
				add(x)
			}
			at++
		})
		return sample
	}
	for i, w := range of.Words() {
		here := bits.OnesCount64(w)
		for wanted < at+here {
			add(uint16(i<<6 | nth(w, wanted-at)))
		}
		at += here
	}
	return sample
}

// nth returns the place of a bit that is set, counted from 0.
func nth(w uint64, n int) int {
	for range n {
		w &= w - 1
	}
	return bits.TrailingZeros64(w)
}
