package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// axis maps values onto a straight line, with the values to be marked on it.
type axis struct {
	low, high float64 // of the line
	marks     []float64
	to, from  func(float64) float64 // a value's place on the line, and back
	text      func(float64) string
}

// label is the text of a place on the line.
func (a axis) label(place float64) string { return a.text(a.from(place)) }

func same(v float64) float64 { return v }

// linear is an axis from 0 on, with marks that are given and end it.
func linear(marks []float64, text func(float64) string) axis {
	return axis{0, marks[len(marks)-1], marks, same, same, text}
}

// Crowded says whether most of some values lie within a tenth of the span from low to high, so that on a straight axis one does not see them apart.
func Crowded(values []float64, low, high float64) bool {
	most := len(values)/2 + 1
	if len(values) < 3 {
		return false
	}
	sorted := slices.Sorted(slices.Values(values))
	for i := range len(sorted) - most + 1 {
		if sorted[i+most-1]-sorted[i] <= (high-low)/10 {
			return true
		}
	}
	return false
}

// logOdds is an axis of the log-odds that shows all of some probabilities apart from 0 and 1, with what lies beyond at its ends.
func logOdds(all []float64) axis {
	to := func(p float64) float64 { return math.Log(p / (1 - p)) }
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range all {
		if p > 0 && p < 1 {
			low, high = min(low, to(p)), max(high, to(p))
		}
	}
	if low > high {
		low, high = to(0.1), to(0.9)
	}
	low, high = low-0.3, high+0.3
	a := axis{
		low: low, high: high, text: fewDigits,
		to:   func(p float64) float64 { return min(max(to(min(max(p, 1e-12), 1-1e-12)), low), high) },
		from: func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
	}
	for _, steps := range [][]float64{{1}, {1, 3}, {1, 2, 5}} {
		if a.marks = a.odds(steps); len(a.marks) >= 3 {
			break
		}
	}
	for len(a.marks) > 5 {
		a.marks = everyOther(a.marks)
	}
	if len(a.marks) < 2 {
		a.marks = []float64{a.to(to3(a.from(low + (high-low)*0.15))), a.to(to3(a.from(high - (high-low)*0.15)))}
	}
	return a
}

// odds are the places of a half, and of so many in ten, a hundred, ... and of what is left of one.
func (a axis) odds(steps []float64) (places []float64) {
	add := func(p float64) {
		if v := math.Log(p / (1 - p)); v >= a.low && v <= a.high {
			places = append(places, v)
		}
	}
	for k := -9; k <= -1; k++ {
		for _, s := range steps {
			if p := s * math.Pow10(k); p < 0.5 {
				add(p)
				add(1 - p)
			}
		}
	}
	add(0.5)
	slices.Sort(places)
	return places
}

func everyOther(all []float64) []float64 {
	var some []float64
	for i := 0; i < len(all); i += 2 {
		some = append(some, all[i])
	}
	return some
}

// to3 keeps the three digits that count, of p or of what is left of one.
func to3(p float64) float64 {
	if p > 0.5 {
		return 1 - to3(1-p)
	}
	unit := math.Pow10(int(math.Floor(math.Log10(p))) - 2)
	return math.Round(p/unit) * unit
}

// fewDigits writes a probability with the digits that tell it from 0 and 1.
func fewDigits(p float64) string {
	rest := min(p, 1-p)
	if rest < 1e-12 {
		return fmt.Sprintf("%.0f", p)
	}
	text := fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(rest)+1e-9)), p)
	return strings.TrimRight(text, "0")
}

// fewPercent is fewDigits as a percentage.
func fewPercent(p float64) string {
	rest := 100 * min(p, 1-p)
	if rest < 1e-10 {
		return fmt.Sprintf("%.0f %%", 100*p)
	}
	text := fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(rest)+1e-9))), 100*p)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text + " %"
}

// counts is an axis of numbers of people from 0 to at least top, by their logarithm where that is asked for.
func counts(top float64, logarithmic bool) axis {
	if !logarithmic {
		return linear(wholeTicks(top), short)
	}
	a := axis{low: 0, to: math.Log1p, from: func(v float64) float64 { return math.Round(math.Expm1(v)) }, text: short, marks: []float64{0}}
	for v := 1.0; ; v *= 10 {
		a.marks = append(a.marks, a.to(v))
		if v >= top {
			break
		}
	}
	a.high = a.marks[len(a.marks)-1]
	return a
}

// wholeTicks are ticks without halves and quarters, which there are none of people.
func wholeTicks(top float64) []float64 {
	n := 4
	if top > 8 && top <= 10 {
		n = 5
	}
	marks, _ := ticks(max(top, 4), n)
	return marks
}
