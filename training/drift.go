package training

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/training/report"
)

// counter counts values into bins, those of positives and of negatives apart, since a sample keeps a different share of each.
type counter struct {
	bins    *models.Result
	columns [][]int64
	scores  []int64
	part    []float32
	partial []int64
}

func newCounter(b *models.Result) *counter {
	if b == nil {
		return nil
	}
	c := &counter{bins: b, columns: make([][]int64, len(b.ColumnBins)), scores: make([]int64, len(b.ScoreBins.Shares))}
	for i := range c.columns {
		c.columns[i] = make([]int64, len(b.ColumnBins[i].Shares))
	}
	return c
}

func (c *counter) count(rows chunk, values [][]float32, logOdds []float32) error {
	for i := range values {
		if err := c.add(rows, c.bins.ColumnBins[i], values[i], c.columns[i]); err != nil {
			return err
		}
	}
	return c.add(rows, c.bins.ScoreBins, logOdds, c.scores)
}

// countUnit makes the weights of a sample whole numbers.
const countUnit = 1000

func (c *counter) add(rows chunk, b models.Bins, values []float32, counts []int64) error {
	for _, positive := range []bool{false, true} {
		c.part = c.part[:0]
		for i, x := range rows.ordinals {
			if rows.positive.Has(x) == positive {
				c.part = append(c.part, values[i])
			}
		}
		c.partial = append(c.partial[:0], make([]int64, len(counts))...)
		if err := b.Count(c.part, c.partial); err != nil {
			return err
		}
		unit := int64(math.Round(float64(rows.weight.weight(positive)) * countUnit))
		for i, n := range c.partial {
			counts[i] += n * unit
		}
	}
	return nil
}

// moveTo adds the counts to a trial's and begins again. Whole numbers add up the same in any order.
func (c *counter) moveTo(t *trial) {
	if t.scores == nil {
		t.scores, t.columns = make([]int64, len(c.scores)), make([][]int64, len(c.columns))
		for i := range t.columns {
			t.columns[i] = make([]int64, len(c.columns[i]))
		}
	}
	move := func(from, to []int64) {
		for i := range from {
			to[i] += from[i]
			from[i] = 0
		}
	}
	move(c.scores, t.scores)
	for i := range c.columns {
		move(c.columns[i], t.columns[i])
	}
}

// much is from which population stability index on a column is told of.
const much = 0.25

// drift compares the columns and the score at a test cut-off with those of training.
func (j *job) drift(r *report.Report, m *fitted, t *trial) error {
	var err error
	if r.ScoreDrift, err = m.ScoreBins.PSI(t.scores); err != nil {
		return err
	}
	var moved, grown []report.Drift // much
	covered := int(j.cutoffs.Train[0] - j.known.first)
	for i, c := range m.Model.Columns() {
		psi, err := m.ColumnBins[i].PSI(t.columns[i])
		if err != nil {
			return err
		}
		column, err := features.Parse(c.Name)
		if err != nil {
			return err
		}
		d := report.Drift{Column: c.Name, Words: columnWords(column), PSI: psi, Grows: column.Grows(covered)}
		r.Drift = append(r.Drift, d)
		switch {
		case psi < much:
		case d.Grows:
			grown = append(grown, d)
		default:
			moved = append(moved, d)
		}
	}
	furthest := func(a, b report.Drift) int { return cmp.Compare(b.PSI, a.PSI) }
	slices.SortStableFunc(r.Drift, furthest)
	slices.SortStableFunc(moved, furthest)
	slices.SortStableFunc(grown, furthest)
	if len(moved) > 0 {
		j.warn("%d of %d columns moved much between training and test, most of all: %s (index %.2f)%s", len(moved), len(r.Drift), moved[0].Words, moved[0].PSI, growing(len(grown)))
	}
	if r.ScoreDrift < much {
		return nil
	}
	if len(moved) == 0 && len(grown) > 0 {
		j.warn("the score itself moved much between training and test (index %.2f), and so did columns that grow with the data, and no others, most of all: %s (index %.2f). The store covers more days at the test than at the cut-offs trained on, which need not mean that the world is another one; with more history it fades",
			r.ScoreDrift, grown[0].Words, grown[0].PSI)
		return nil
	}
	j.warn("the score itself moved much between training and test (index %.2f): those who are eligible are others than at the cut-offs trained on", r.ScoreDrift)
	return nil
}

// growing says of how many more columns nothing is to be concluded.
func growing(columns int) string {
	switch columns {
	case 0:
		return ""
	case 1:
		return "; one more moved that grows with the data, which says nothing"
	}
	return fmt.Sprintf("; %d more moved that grow with the data, which says nothing", columns)
}
