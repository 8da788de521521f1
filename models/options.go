package models

import (
	"fmt"
	"math"
)

// Shape is how the number in a column becomes terms of the sum.
type Shape string

const (
	// ShapeAuto takes ShapeLog or ShapeSpline, whichever predicts the later folds better.
	ShapeAuto Shape = ""
	// ShapeLinear takes numbers as they are, standardised.
	ShapeLinear Shape = "linear"
	// ShapeLog takes the logarithm, sign(x) log(1+|x|), where it makes a skewed column less skewed.
	ShapeLog Shape = "log"
	// ShapeSpline bends what ShapeLog makes: a restricted cubic spline with knots at quantiles.
	ShapeSpline Shape = "spline"
)

// Calibrate says whether the log-odds are corrected by a line fitted to data that the model was not fitted to.
type Calibrate string

const (
	// CalibrateAuto corrects where that lowers the log loss on further unseen data by more than its standard error.
	CalibrateAuto Calibrate = ""
	// CalibrateNever leaves the log-odds as they are.
	CalibrateNever Calibrate = "never"
	// CalibrateAlways corrects them, if there were rows enough for folds.
	CalibrateAlways Calibrate = "always"
)

// Options say how to fit. The zero value is usable: it means the defaults named here, and no products.
type Options struct {
	// Penalties are tried on the folds, and the one with the least log loss is taken; a single one is taken as it
	// is. The penalty is 1/C of scikit-learn: the fit minimises the sum of the losses + penalty/2 x the sum of the
	// squares of the coefficients but the intercept. Default 0.3, 1, 3, ... 1000.
	Penalties []float64
	// Cautious takes, where the folds are by group, the largest penalty whose log loss is within a quarter of a standard error
	// of the least: such folds are all of one time and say nothing of how the world moves on, for which coefficients
	// closer to 0 are better.
	Cautious bool
	// BendFactor is how many times the penalty the terms have that bend a column beyond its first one. Default 30: a curve that is nearly a line unless the rows
	// say otherwise predicts better than one that is either.
	BendFactor float64
	Shape      Shape
	Calibrate  Calibrate
	// Products is how many products of two columns may be added where they earn their place: where each of them lowers
	// the log loss on at least two later cut-offs, taken together, by more than the standard error of that.
	Products int
	// MinClass is how many positives and how many negatives there must be at least. Default 100.
	MinClass int
	// MinLevelRows is how many rows a level needs to stand alone; rarer ones are pooled with "other". Default 50.
	MinLevelRows int
	// LeakAUC is from where on a column that decides alone is warned of. Default 0.98.
	LeakAUC float64
	// SearchRows bounds the rows on which penalty, shape, products and calibration are chosen; whole groups beyond
	// it are left out of the choice, not of the fit. Default 30,000.
	SearchRows int
	// Seed chooses those groups, and the folds when they cannot be ordered by time.
	Seed uint64
	// Workers is how many goroutines compute. It never changes the result. Default 2.
	Workers int
	// MaxIterations bounds the iterations of one fit. Default 300.
	MaxIterations int
}

// DefaultOptions are what propensity models are fitted with: everything chosen on the folds, up to 3 products.
func DefaultOptions() Options { return Options{Products: 3}.withDefaults() }

func (o Options) withDefaults() Options {
	if len(o.Penalties) == 0 {
		o.Penalties = []float64{0.3, 1, 3, 10, 30, 100, 300, 1000}
	}
	for _, field := range []struct {
		value    *int
		fallback int
	}{{&o.MinClass, 100}, {&o.MinLevelRows, 50}, {&o.SearchRows, 30_000}, {&o.Workers, 2}, {&o.MaxIterations, 300}} {
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	if o.BendFactor == 0 {
		o.BendFactor = 30
	}
	if o.LeakAUC == 0 {
		o.LeakAUC = 0.98
	}
	return o
}

// check returns an *OptionError for a value that has no meaning.
func (o Options) check() error {
	for _, p := range o.Penalties {
		if !(p >= 0) || p > 1e12 {
			return &OptionError{"Penalties", fmt.Sprintf("%v is not a penalty; use 0 to 1e12", p)}
		}
	}
	if len(o.Penalties) > 100 {
		return &OptionError{"Penalties", fmt.Sprintf("%d are given; at most 100 can be tried", len(o.Penalties))}
	}
	switch o.Shape {
	case ShapeAuto, ShapeLinear, ShapeLog, ShapeSpline:
	default:
		return &OptionError{"Shape", fmt.Sprintf("%q is not known; use linear, log, spline or nothing", o.Shape)}
	}
	switch o.Calibrate {
	case CalibrateAuto, CalibrateNever, CalibrateAlways:
	default:
		return &OptionError{"Calibrate", fmt.Sprintf("%q is not known; use never, always or nothing", o.Calibrate)}
	}
	for _, field := range []struct {
		name                   string
		value, least, greatest int
	}{
		{"Products", o.Products, 0, maxProducts},
		{"MinClass", o.MinClass, 1, maxRows},
		{"MinLevelRows", o.MinLevelRows, 1, maxRows},
		{"SearchRows", o.SearchRows, 1000, maxRows},
		{"Workers", o.Workers, 1, 1024},
		{"MaxIterations", o.MaxIterations, 1, 1 << 20},
	} {
		if field.value < field.least || field.value > field.greatest {
			return &OptionError{field.name, fmt.Sprintf("%d is out of range; use %d to %d", field.value, field.least, field.greatest)}
		}
	}
	if !(o.BendFactor >= 0 && o.BendFactor <= maxFactor) {
		return &OptionError{"BendFactor", fmt.Sprintf("%v is out of range; use up to %g", o.BendFactor, maxFactor)}
	}
	if !(o.LeakAUC > 0.5) || math.IsInf(o.LeakAUC, 0) {
		return &OptionError{"LeakAUC", fmt.Sprintf("%v is out of range; use more than 0.5", o.LeakAUC)}
	}
	return nil
}
