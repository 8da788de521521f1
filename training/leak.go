package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
)

// LeakError refuses a model that has seen the outcome: columns that nearly decide the target alone and could not have known it in time.
type LeakError struct {
	Columns []string // canonical texts
	Reasons []string // a sentence each
}

// Error returns the reasons.
func (e *LeakError) Error() string {
	return "a column knows the outcome: " + strings.Join(e.Reasons, "; ")
}

// leakDays is by how much columns are read earlier to see whether they knew. One day is enough: outcomes are spread over the days of the
// horizon, so what truly foretells them was not all written on the day before the cut-off.
const leakDays = 1

// checkLeaks looks at columns that nearly decide the target alone.
//
// A tag or attribute among them is refused: it is known only as it is now, so nothing shows that it was so before the outcome. A column of
// behaviour is read again as of a day earlier, for the same rows: when more than half of what it told is gone, it was written on the last day
// before the cut-off, whichever day of the horizon the outcome came, as records are that are dated back; it is refused. Others are warned of.
func (j *job) checkLeaks(ctx context.Context, newest propensity.Day, f frame, found []models.Warning) error {
	leak := &LeakError{}
	refuse := func(column, format string, args ...any) {
		leak.Columns, leak.Reasons = append(leak.Columns, column), append(leak.Reasons, fmt.Sprintf(format, args...))
	}
	for _, w := range found {
		i := slices.IndexFunc(f.columns, func(c features.Column) bool { return c.String() == w.Column })
		if i < 0 {
			continue
		}
		c := f.columns[i]
		if c.Static() {
			refuse(w.Column, "%s alone decides the target almost (AUC %.3f), and is known only as it is now, which may be because of the outcome; do not declare it static", columnWords(c), w.AUC)
			continue
		}
		then, earlier, err := j.tellsEarlier(ctx, newest, c)
		if errors.Is(err, metrics.ErrOneClass) {
			continue // too few are left to tell
		}
		if err != nil {
			return err
		}
		if earlier-0.5 < (then-0.5)/2 {
			refuse(w.Column, "%s alone decides the target almost (AUC %.3f), and a day earlier it does not (AUC %.3f): such records are written when the outcome is known; leave them out of the load, or date them when they are made", columnWords(c), then, earlier)
			continue
		}
		j.warn("%s alone decides the target almost (AUC %.3f, and %.3f a day earlier): make sure that it is known before the outcome, and that the target is not what eligible asks already", columnWords(c), then, earlier)
	}
	if len(leak.Columns) > 0 {
		return leak
	}
	return nil
}

// tellsEarlier returns how well a column alone tells the outcomes of a cut-off, as of the cut-off and as of leakDays earlier, of the same rows.
func (j *job) tellsEarlier(ctx context.Context, cutoff propensity.Day, c features.Column) (then, earlier float64, err error) {
	p, err := j.newPopulation(ctx, cutoff, leakDays, min(j.options.MostRows, 200_000))
	if err != nil {
		return 0, 0, err
	}
	values, before, of := make([]float32, p.kept), make([]float32, p.kept), newRowsOf(p.kept)
	f := frame{columns: []features.Column{c}}
	into := func(to []float32) func() func(chunk) error {
		return func() func(chunk) error {
			return func(c chunk) error {
				of.fill(c)
				copy(to[c.first:], c.columns[0])
				return nil
			}
		}
	}
	if err := j.read(ctx, p, p.past, f, into(values)); err != nil {
		return 0, 0, err
	}
	if err := j.read(ctx, p, p.earlier, f, into(before)); err != nil {
		return 0, 0, err
	}
	if then, err = separation(values, of); err != nil {
		return 0, 0, err
	}
	earlier, err = separation(before, of)
	return then, earlier, err
}

// separation is the AUC of a column's values alone, in whichever direction it is higher, with missing values as the least or the greatest.
func separation(values []float32, of rowsOf) (float64, error) {
	best := 0.5
	for _, missing := range []float32{float32(math.Inf(-1)), float32(math.Inf(1))} {
		ordered := make([]float32, len(values))
		for i, v := range values {
			if ordered[i] = v; v != v {
				ordered[i] = missing
			}
		}
		distinct := slices.Clone(ordered)
		slices.Sort(distinct)
		distinct = slices.Compact(distinct)
		r := metrics.Rows{Probability: make([]float64, len(values)), Label: of.label, Weight: of.weight, Group: of.group}
		for i, v := range ordered {
			at, _ := slices.BinarySearch(distinct, v)
			r.Probability[i] = float64(at) / float64(len(distinct))
		}
		auc, err := metrics.AUC(r)
		if err != nil {
			return 0, err
		}
		best = max(best, auc.Value, 1-auc.Value)
	}
	return best, nil
}
