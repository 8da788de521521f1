package models

import (
	"fmt"
	"math"

	"whowhen.dev/whowhen/models/internal/transform"
)

// LogOddsLimit bounds the log-odds of every model: they are within ±16, a probability of 1 in 9 million.
const LogOddsLimit = 16

// Model turns raw columns into calibrated log-odds. It never changes and is safe for concurrent use.
type Model struct {
	spec     spec
	columns  []evaluator
	products []productEvaluator
	start    float64 // the intercept and what columns fixed at scoring add
}

// spec is a model as plain data: what an artifact holds.
type spec struct {
	Intercept   coefficient `json:"intercept"`
	Columns     []inUse     `json:"columns"`
	Products    []product   `json:"products"`
	Calibration Calibration `json:"calibration"`
	Penalty     float64     `json:"penalty"`
	// BendFactor is how many times the penalty the terms had that bend a column; 0 means once.
	BendFactor float64 `json:"bend_factor,omitempty"`
}

type coefficient struct {
	Value         float64 `json:"value"`
	StandardError float64 `json:"standard_error"`
}

// inUse is a raw column and its transform: exactly one of Number and Level.
type inUse struct {
	Column
	Number *transform.Number `json:"number,omitempty"`
	Level  *transform.Levels `json:"level,omitempty"`
	// Average is what the column adds in the average training row.
	Average float64 `json:"average"`
}

// product is a term of two columns of numbers, A < B.
type product struct {
	A       int            `json:"a"`
	B       int            `json:"b"`
	Term    transform.Term `json:"term"`
	Average float64        `json:"average"`
}

// Calibration is the line that makes log-odds of the sum: Intercept + Slope x sum. Without calibration it is 0 and 1.
type Calibration struct {
	Intercept float64 `json:"intercept"`
	Slope     float64 `json:"slope"`
}

// Columns are the raw columns that LogOdds and Explain expect, in their order. The caller must not change them.
func (m *Model) Columns() []Column {
	columns := make([]Column, len(m.spec.Columns))
	for i := range columns {
		columns[i] = m.spec.Columns[i].Column
	}
	return columns
}

// Calibration is the line that the log-odds went through.
func (m *Model) Calibration() Calibration { return m.spec.Calibration }

// Penalty is the penalty the model was fitted with.
func (m *Model) Penalty() float64 { return m.spec.Penalty }

// Probability of log-odds.
func Probability(logOdds float64) float64 { return 1 / (1 + math.Exp(-logOdds)) }

// Coefficient is one weight of the sum, before calibration.
type Coefficient struct {
	// Column is an index into Model.Columns, and Second the other column of a product; -1 is the intercept, or none.
	Column, Second int
	// Term says which term of the column it weighs.
	Term Term
	// Level is the level, for TermLevel.
	Level         string
	Value         float64 // per standard deviation for numbers and products
	StandardError float64
}

// Term is a kind of term.
type Term string

const (
	TermIntercept Term = "intercept"
	TermLinear    Term = "linear"
	TermSpline    Term = "spline"
	TermMissing   Term = "missing"
	TermLevel     Term = "level"
	TermOther     Term = "other"
	TermProduct   Term = "product"
)

// Coefficients are the weights of the sum: the intercept, each column's terms, the products.
func (m *Model) Coefficients() []Coefficient {
	out := []Coefficient{{Column: -1, Second: -1, Term: TermIntercept, Value: m.spec.Intercept.Value, StandardError: m.spec.Intercept.StandardError}}
	add := func(column, second int, kind Term, level string, t *transform.Term) {
		if t != nil {
			out = append(out, Coefficient{column, second, kind, level, t.Coefficient, t.StandardError})
		}
	}
	for c := range m.spec.Columns {
		if n := m.spec.Columns[c].Number; n != nil {
			for i := range n.Terms {
				kind := TermLinear
				if i > 0 {
					kind = TermSpline
				}
				add(c, -1, kind, "", &n.Terms[i])
			}
			add(c, -1, TermMissing, "", n.Missing)
			continue
		}
		l := m.spec.Columns[c].Level
		for i, term := range l.TermOf {
			if term >= 0 {
				add(c, -1, TermLevel, m.spec.Columns[c].Levels[i], &l.Terms[term])
			}
		}
		add(c, -1, TermOther, "", l.Other)
		add(c, -1, TermMissing, "", l.Missing)
	}
	for i := range m.spec.Products {
		p := &m.spec.Products[i]
		add(p.A, p.B, TermProduct, "", &p.Term)
	}
	return out
}

// check says what makes the model unusable. A model that passes scores every row within the limit, never NaN.
func (s *spec) check() error {
	columns := make([]Column, len(s.Columns))
	for i := range columns {
		columns[i] = s.Columns[i].Column
	}
	if err := checkColumns(columns); err != nil {
		return err
	}
	if !(s.BendFactor >= 0 && s.BendFactor <= maxFactor) {
		return fmt.Errorf("the penalty factor of bends is %v; it is 0 to %g", s.BendFactor, maxFactor)
	}
	if len(s.Products) > maxProducts {
		return fmt.Errorf("there are %d products; at most %d are used", len(s.Products), maxProducts)
	}
	finite := map[string]float64{
		"the intercept": s.Intercept.Value, "its standard error": s.Intercept.StandardError,
		"the calibration's intercept": s.Calibration.Intercept, "the calibration's slope": s.Calibration.Slope, "the penalty": s.Penalty,
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		finite[fmt.Sprintf("the average of column %q", c.Name)] = c.Average
		switch {
		case (c.Number == nil) == (c.Level == nil):
			return fmt.Errorf("column %q needs one transform, of numbers or of levels", c.Name)
		case (c.Level == nil) != (c.Levels == nil):
			return fmt.Errorf("column %q has a transform that is not for its kind", c.Name)
		case c.Number != nil:
			if err := c.Number.Check(); err != nil {
				return fmt.Errorf("column %q: %w", c.Name, err)
			}
		default:
			if err := c.Level.Check(len(c.Levels)); err != nil {
				return fmt.Errorf("column %q: %w", c.Name, err)
			}
		}
	}
	for i := range s.Products {
		p := &s.Products[i]
		if p.A < 0 || p.B <= p.A || p.B >= len(s.Columns) || s.Columns[p.A].Number == nil || s.Columns[p.B].Number == nil || s.Columns[p.A].Fixed || s.Columns[p.B].Fixed {
			return fmt.Errorf("product %d is of columns %d and %d; it needs two columns of numbers that are not fixed", i, p.A, p.B)
		}
		if err := p.Term.Check(); err != nil {
			return fmt.Errorf("product %d: %w", i, err)
		}
		finite[fmt.Sprintf("the average of product %d", i)] = p.Average
	}
	for what, v := range finite {
		if !(math.Abs(v) <= maxCoefficient) && what != "the penalty" || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %v", what, v)
		}
	}
	if !(s.Calibration.Slope > 0) {
		return fmt.Errorf("the calibration's slope is %v; it must be above 0", s.Calibration.Slope)
	}
	return nil
}
