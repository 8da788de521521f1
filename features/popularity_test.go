package features_test

import (
	"fmt"
	"math"

	"whowhen.dev/whowhen/features"
)

// valueOf returns an event's string or whole number, "" when it has none.
func (e happening) valueOf(property string) string {
	if text, has := e.texts[property]; has {
		return "text " + text
	}
	if n, has := e.numbers[property]; has && n.Scale == 0 && n.Coef < 1<<62 && n.Coef >= -1<<62 {
		return fmt.Sprint("number ", n.Coef)
	}
	return ""
}

// popularity is what the column says of the events in its window.
func (w twin) popularity(c features.Column, events []happening, ages []int) float32 {
	var lately []happening
	for _, e := range w.events {
		if age := w.today - dayOf(w.zone, e.millis); e.name == c.Name && age >= 0 && int(age) < c.SpanDays && e.millis <= w.now {
			lately = append(lately, e)
		}
	}
	sum, weights := 3*0.5, 3.0
	for _, e := range events {
		weight := math.Exp2(-float64(w.today-dayOf(w.zone, e.millis)-int32(ages[0])) / float64(c.SpanDays))
		if rank, has := e.rank(lately, c.Property); has && weight >= 0.5/65535 {
			sum, weights = sum+weight*rank, weights+weight
		}
	}
	if weights == 3 {
		return float32(math.NaN())
	}
	return float32(sum / weights)
}

// rank returns the rank of an event's value among all.
func (e happening) rank(all []happening, property string) (float64, bool) {
	v := e.valueOf(property)
	came := map[string]float64{}
	n := 0.0
	for _, other := range all {
		if v := other.valueOf(property); v != "" {
			came[v]++
			n++
		}
	}
	less := 0.0
	for _, m := range came {
		if m < came[v] {
			less += m / n
		} else if m == came[v] {
			less += m / n / 2
		}
	}
	return less, v != ""
}
