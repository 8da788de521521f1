package models

import (
	"fmt"
	"math"

	"whowhen.dev/whowhen/models/internal/transform"
)

// tableSize is up to which whole number contributions are kept ready. Counts, days and recency are such numbers, and a
// look-up takes a tenth of a logarithm and a spline.
const tableSize = 512

// scoreTile is how many rows are summed at a time: their sums stay in the first-level cache.
const scoreTile = 1024

// evaluator computes what one raw column adds to the sum.
type evaluator struct {
	curve   *transform.Curve // of a column of numbers
	level   *transform.Levels
	fixed   bool
	table   []float64 // of the values 0, 1, 2, ...
	missing float64
}

// mostQuick is how many columns a model has whose curves are made quick: so many take 14 MB.
const mostQuick = 512

func newEvaluator(c *inUse, quick bool) evaluator {
	e := evaluator{level: c.Level, fixed: c.Fixed}
	size := tableSize
	if c.Number != nil {
		e.curve = c.Number.Curve()
		if quick {
			e.curve.Quicken()
		}
	} else {
		size = len(e.level.TermOf) + 1
	}
	e.table = make([]float64, size)
	for i := range e.table {
		e.table[i] = e.contribution(float32(i))
	}
	e.missing = e.contribution(float32(math.NaN()))
	return e
}

func (e *evaluator) contribution(x float32) float64 {
	if e.curve != nil {
		return e.curve.At(x)
	}
	return e.level.Contribution(x)
}

// add adds the column's contributions to the sums.
func (e *evaluator) add(values []float32, sums []float64) {
	table, curve := e.table, e.curve
	for i, x := range values[:len(sums)] {
		// Of a value that is no number, or far outside, the conversion is something arbitrary, but float32 of it is
		// not the value again.
		k := int32(x)
		if uint(k) < uint(len(table)) && float32(k) == x {
			sums[i] += table[k]
		} else if x != x {
			sums[i] += e.missing
		} else if curve != nil {
			sums[i] += curve.At(x)
		} else {
			sums[i] += e.level.Contribution(x)
		}
	}
}

type productEvaluator struct {
	a, b           int
	factorA        *transform.Number
	factorB        *transform.Number
	mean, weight   float64
	tableA, tableB []float64
}

func newProductEvaluator(s *spec, p *product) productEvaluator {
	e := productEvaluator{a: p.A, b: p.B, factorA: s.Columns[p.A].Number, factorB: s.Columns[p.B].Number, mean: p.Term.Mean, weight: p.Term.Coefficient / p.Term.Scale}
	e.tableA, e.tableB = make([]float64, tableSize), make([]float64, tableSize)
	for i := range tableSize {
		e.tableA[i], e.tableB[i] = e.factorA.Factor(float32(i)), e.factorB.Factor(float32(i))
	}
	return e
}

func factor(n *transform.Number, table []float64, x float32) float64 {
	if k := int32(x); uint(k) < uint(len(table)) && float32(k) == x {
		return table[k]
	}
	return n.Factor(x)
}

func (e *productEvaluator) contribution(a, b float32) float64 {
	v := e.weight * (factor(e.factorA, e.tableA, a)*factor(e.factorB, e.tableB, b) - e.mean)
	return max(-maxCoefficient, min(maxCoefficient, v))
}

// newModel makes a model of its checked data.
func newModel(s spec) (*Model, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	m := &Model{spec: s, start: s.Intercept.Value}
	for i := range m.spec.Columns {
		c := &m.spec.Columns[i]
		m.columns = append(m.columns, newEvaluator(c, len(s.Columns) <= mostQuick))
		if c.Fixed {
			m.start += c.Average
		}
	}
	for i := range m.spec.Products {
		m.products = append(m.products, newProductEvaluator(&m.spec, &m.spec.Products[i]))
	}
	return m, nil
}

// LogOdds writes the calibrated log-odds of len(out) rows, within ±LogOddsLimit and never NaN, whatever the values.
// Values are column-major, in the order of Columns; NaN is missing. It allocates nothing. The error says that the
// number of columns, or of rows in one of them, is not what out and the model ask for; out is then not written.
func (m *Model) LogOdds(values [][]float32, out []float32) error {
	if err := m.checkShape(values, len(out)); err != nil {
		return err
	}
	var tile [scoreTile]float64
	for low := 0; low < len(out); low += scoreTile {
		high := min(low+scoreTile, len(out))
		sums := tile[:high-low]
		m.sums(values, low, sums)
		for i, sum := range sums {
			out[low+i] = float32(m.calibrated(sum))
		}
	}
	return nil
}

func (m *Model) checkShape(values [][]float32, rows int) error {
	if len(values) != len(m.columns) {
		return fmt.Errorf("models: %d columns are given and the model has %d", len(values), len(m.columns))
	}
	for c := range values {
		if len(values[c]) != rows {
			return fmt.Errorf("models: column %q has %d rows; %d are asked for", m.spec.Columns[c].Name, len(values[c]), rows)
		}
	}
	return nil
}

// sums writes the sums, before calibration, of the rows from low on.
func (m *Model) sums(values [][]float32, low int, sums []float64) {
	for i := range sums {
		sums[i] = m.start
	}
	for c := range m.columns {
		if !m.columns[c].fixed {
			m.columns[c].add(values[c][low:low+len(sums)], sums)
		}
	}
	for p := range m.products {
		e := &m.products[p]
		a, b := values[e.a][low:low+len(sums)], values[e.b][low:low+len(sums)]
		for i := range sums {
			sums[i] += e.contribution(a[i], b[i])
		}
	}
}

func (m *Model) calibrated(sum float64) float64 {
	return max(-LogOddsLimit, min(LogOddsLimit, m.spec.Calibration.Intercept+m.spec.Calibration.Slope*sum))
}
