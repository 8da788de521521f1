package training

import (
	"math"

	"whowhen.dev/whowhen/models"
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
