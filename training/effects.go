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
func coefficients(m *models.Model, effects []models.Effect, f frame, values [][]float32) []report.Coefficient {
	weights := map[string]float64{}
	for i, c := range m.Columns() {
		if !c.Fixed {
			weights[c.Name] = spread(m, i, values[i])
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
		if f.columns[i].Exposure() {
			c.Words += "; when scoring, everyone has the average"
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b report.Coefficient) int { return cmp.Compare(b.Weight, a.Weight) })
	return all
}

// odds is the factor of log-odds, kept finite.
func odds(logOdds float64) float64 { return math.Exp(min(max(logOdds, -50), 50)) }

// spread is the standard deviation of what a column adds.
func spread(m *models.Model, column int, values []float32) float64 {
	step := max(1, len(values)/weighRows)
	n, sum, squares := 0.0, 0.0, 0.0
	for i := 0; i < len(values); i += step {
		v := m.Contribution(column, values[i])
		n, sum, squares = n+1, sum+v, squares+v*v
	}
	return math.Sqrt(max(0, squares/max(n, 1)-(sum/max(n, 1))*(sum/max(n, 1))))
}
