package training

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
)

// eachBlock calls what begin returns for every block, from several goroutines, of which each begins once. Neighbouring blocks go to one
// of them, since they share what is read for them. It ends with the first error.
func (j *job) eachBlock(ctx context.Context, what string, begin func(ctx context.Context) (block func(int) error, end func(), err error)) error {
	const neighbours = 16
	blocks := j.base.Blocks()
	workers := max(1, min(j.options.Workers, (blocks+neighbours-1)/neighbours))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var wait sync.WaitGroup
	j.progress(what, 0, blocks)
	for range workers {
		wait.Go(func() {
			block, end, err := begin(ctx)
			if err != nil {
				cancel(err)
				return
			}
			defer end()
			for {
				first := int(next.Add(neighbours)) - neighbours
				if first >= blocks {
					return
				}
				for b := first; b < min(first+neighbours, blocks); b++ {
					if ctx.Err() != nil {
						return
					}
					if err := block(b); err != nil {
						cancel(err)
						return
					}
				}
				j.progress(what, int(done.Add(neighbours)), blocks)
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

// chunk are rows of one block: their columns, good until the callback returns, and what is known of each.
type chunk struct {
	first    int // row of the population
	block    int
	ordinals []uint16
	columns  [][]float32
	positive *segments.Words
	weight   sample
}

// rowsOf describes the rows of a chunk in slices that begin with the population's first row.
type rowsOf struct {
	label  []bool
	weight []float32
	group  []uint32
}

func newRowsOf(n int) rowsOf {
	return rowsOf{make([]bool, n), make([]float32, n), make([]uint32, n)}
}

func (r rowsOf) from(row int) rowsOf { return rowsOf{r.label[row:], r.weight[row:], r.group[row:]} }

// fill sets what is known of the rows of a chunk.
func (r rowsOf) fill(c chunk) {
	for i, x := range c.ordinals {
		positive := c.positive.Has(x)
		r.label[c.first+i], r.weight[c.first+i] = positive, c.weight.weight(positive)
		r.group[c.first+i] = uint32(c.block)*segments.BlockCIDs + uint32(x)
	}
}

// read calls yield with all rows of a population, a block at a time, from several goroutines; begin makes the yield of each. The columns are those
// known to view, which is the population's past unless an earlier one is wanted.
func (j *job) read(ctx context.Context, p *population, view *segments.View, f frame, begin func() func(chunk) error) error {
	source, err := features.NewSource(ctx, view, f.columns, f.levels)
	if err != nil {
		return err
	}
	return j.eachBlock(ctx, fmt.Sprintf("reading columns as of %s", p.day), func(ctx context.Context) (func(int) error, func(), error) {
		r, err := p.reader(ctx)
		if err != nil {
			return nil, nil, err
		}
		x, err := source.Extractor(ctx)
		if err != nil {
			r.close()
			return nil, nil, err
		}
		yield := begin()
		return func(block int) error {
			if p.startOf[block] == p.startOf[block+1] {
				return nil
			}
			if err := r.goTo(block); err != nil {
				return err
			}
			ordinals, columns, err := x.Extract(block, &r.rows)
			if err != nil {
				return err
			}
			if len(ordinals) != p.startOf[block+1]-p.startOf[block] {
				return fmt.Errorf("block %d has %d rows as of %s and had %d before: the view changed", block, len(ordinals), p.day, p.startOf[block+1]-p.startOf[block])
			}
			return yield(chunk{p.startOf[block], block, ordinals, columns, &r.positive, p.keep})
		}, func() { x.Close(); r.close() }, nil
	})
}

// frame is a list of columns with their levels.
type frame struct {
	columns []features.Column
	levels  features.Levels
}

// named returns the columns as models knows them.
func (f frame) named() []models.Column {
	named := make([]models.Column, len(f.columns))
	for i, c := range f.columns {
		named[i] = models.Column{Name: c.String(), Levels: f.levels[c], Fixed: c.Exposure(), PenaltyFactor: penaltyFactor(c), NoProduct: noProduct(c)}
	}
	return named
}

// framed returns the columns of a model.
func framed(m *models.Model) (frame, error) {
	f := frame{levels: features.Levels{}}
	for _, named := range m.Columns() {
		c, err := features.Parse(named.Name)
		if err != nil {
			return frame{}, fmt.Errorf("column %q of the model: %w", named.Name, err)
		}
		f.columns = append(f.columns, c)
		if named.Levels != nil {
			f.levels[c] = named.Levels
		}
	}
	return f, nil
}

// table reads the rows of several populations, one after the other, with their cut-off as time. It refuses those that say nothing.
func (j *job) table(ctx context.Context, populations []*population, f frame) (models.Table, error) {
	if err := j.checkOutcomes(populations); err != nil {
		return models.Table{}, err
	}
	rows := 0
	for _, p := range populations {
		rows += p.kept
	}
	if need := float64(rows) * float64(len(f.columns)) * 4; need > math.MaxInt32*64 {
		return models.Table{}, fmt.Errorf("%d rows of %d columns are too many; lower the number of rows", rows, len(f.columns))
	}
	all := newRowsOf(rows)
	t := models.Table{Columns: f.named(), Values: make([][]float32, len(f.columns)), Time: make([]int32, rows), HorizonDays: int32(j.question.Definition.HorizonDays)}
	for i := range t.Values {
		t.Values[i] = make([]float32, rows)
	}
	start := 0
	for _, p := range populations {
		at := all.from(start)
		err := j.read(ctx, p, p.past, f, func() func(chunk) error {
			return func(c chunk) error {
				at.fill(c)
				for i, values := range c.columns {
					copy(t.Values[i][start+c.first:], values)
				}
				return nil
			}
		})
		if err != nil {
			return models.Table{}, err
		}
		for i := range p.kept {
			t.Time[start+i] = int32(p.day)
		}
		start += p.kept
	}
	t.Label, t.Weight, t.Group = all.label, all.weight, all.group
	return t, nil
}
