package training

import (
	"cmp"
	"math"
	"slices"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/training/report"
)

// weighRows bounds the rows from which it is judged how much a column matters.
const weighRows = 20_000

// coefficients puts a model's effects into words, those of the columns that matter most first. A column matters as much as the log-odds vary
// with it over the training rows.
func coefficients(m *models.Model, effects []models.Effect, f frame, values [][]float32, label []bool) []report.Coefficient {
	weights := map[string]float64{}
	for i, c := range m.Columns() {
		if adds := addedBy(m, i, values[i], label); !c.Fixed {
			weights[c.Name] = adds.spread()
		}
	}
	var all []report.Coefficient
	for _, e := range effects {
		i := slices.IndexFunc(f.columns, func(c features.Column) bool { return c.String() == e.Column })
		if i < 0 {
			continue
		}
		c := report.Coefficient{
			Column: e.Column, Words: effectWords(f.columns[i], e), Weight: weights[e.Column],
			Odds: odds(e.LogOdds), Interval: [2]float64{odds(e.LogOdds - 1.96*e.StandardError), odds(e.LogOdds + 1.96*e.StandardError)},
		}
		if e.Opposed {
			c.Words += "; taken alone it goes the other way"
		}
		if f.columns[i].Exposure() {
			c.Words += "; when scoring, everyone has the average"
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b report.Coefficient) int { return cmp.Compare(b.Weight, a.Weight) })
	return all
}

// markOpposed marks the effects of columns that go the other way when they are taken alone.
//
// Of columns that say much the same, some pull against the others: with the days since the last one, a chance that knows of them, too. What such a
// column does to the odds is not what people who have it do, and so it is said where the two differ.
func markOpposed(m *models.Model, effects []models.Effect, values [][]float32, label []bool) {
	for i, c := range m.Columns() {
		adds := addedBy(m, i, values[i], label)
		for k := range effects {
			if e := &effects[k]; e.Column == c.Name && e.Kind == models.EffectNumber {
				e.Opposed = adds.opposed()
			}
		}
	}
}

// odds is the factor of log-odds, kept finite.
func odds(logOdds float64) float64 { return math.Exp(min(max(logOdds, -50), 50)) }

// added is what a column adds to the log-odds of negatives and of positives.
type added [2]struct{ n, sum, squares float64 }

func addedBy(m *models.Model, column int, values []float32, label []bool) added {
	var a added
	step := max(1, len(values)/weighRows)
	for i := 0; i < len(values); i += step {
		v, of := m.Contribution(column, values[i]), &a[index(label[i])]
		of.n, of.sum, of.squares = of.n+1, of.sum+v, of.squares+v*v
	}
	return a
}

// spread is the standard deviation of what the column adds.
func (a *added) spread() float64 {
	n := max(a[0].n+a[1].n, 1)
	mean := (a[0].sum + a[1].sum) / n
	return math.Sqrt(max(0, (a[0].squares+a[1].squares)/n-mean*mean))
}

// opposed says whether the column adds less to positives than to negatives, by a fifth of its standard deviation or more: that is what J. Cohen (Statistical
// Power Analysis for the Behavioral Sciences, 1988) calls a small effect.
func (a *added) opposed() bool {
	const small = 0.2
	return a[1].sum/max(a[1].n, 1)-a[0].sum/max(a[0].n, 1) < -small*a.spread()
}
