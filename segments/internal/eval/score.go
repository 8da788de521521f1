package eval

import (
	"fmt"
	"math"
	"strconv"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/score"
	"whowhen.dev/whowhen/segments/value"
)

// scored compares a published score.
type scored struct {
	column index.ScoreColumn
	any    bool // exists
	ranges []column.Range
}

func (e *Env) compileScore(n expr.Score) (term, error) {
	c, err := e.publishedScore(n.Name)
	if err != nil {
		return nil, err
	}
	if n.Op == expr.Exists {
		return scored{column: c, any: true}, nil
	}
	ranges := joined(codeRanges(n.Op, n.Values))
	if len(ranges) == 0 {
		return nobody{}, nil
	}
	return scored{column: c, ranges: ranges}, nil
}

// publishedScore returns the column of a score. A name that has none is an error: unlike a tag, a score that is not there
// was hardly meant to be empty.
func (e *Env) publishedScore(name string) (index.ScoreColumn, error) {
	c, found := e.Version.PublishedScore(name)
	if !found {
		return c, fmt.Errorf("eval: no score %s is published", value.Quote(name))
	}
	return c, nil
}

func (s scored) eval(r *run, candidates, out *bitmap.Words) error {
	block, err := r.env.Version.ScoreBlock(r.shard, s.column, r.block)
	switch {
	case err != nil || block == nil:
		out.Clear()
		return err
	case s.any:
		block.Present(out)
	default:
		block.InRanges(out, candidates, s.ranges)
	}
	return nil
}

func (scored) cost() int { return 25 }

// codeRanges returns which codes have a probability that a comparison holds for. Both sides are compared as
// float64: the literal is read as the nearest one, as whoever reads probabilities from a file reads them.
func codeRanges(op expr.Op, literals []value.Value) []interval {
	atLeast := func(i int) int64 { return int64(score.AtLeast(probability(literals[i]))) }
	above := func(i int) int64 { return int64(score.Above(probability(literals[i]))) }
	const last = score.Codes - 1
	switch op {
	case expr.Eq:
		return []interval{{atLeast(0), above(0) - 1}}
	case expr.Ne:
		return []interval{{0, atLeast(0) - 1}, {above(0), last}}
	case expr.Lt:
		return []interval{{0, atLeast(0) - 1}}
	case expr.Le:
		return []interval{{0, above(0) - 1}}
	case expr.Gt:
		return []interval{{above(0), last}}
	case expr.Ge:
		return []interval{{atLeast(0), last}}
	case expr.Between:
		return []interval{{atLeast(0), above(1) - 1}}
	case expr.In:
		var all []interval
		for i := range literals {
			all = append(all, interval{atLeast(i), above(i) - 1})
		}
		return tidy(all)
	}
	return nil
}

// probability returns the float64 nearest to a literal.
func probability(v value.Value) float64 {
	p, err := strconv.ParseFloat(v.Num.String(), 64)
	if err != nil {
		return math.NaN() // which no code compares with; the digits of a decimal can always be read
	}
	return p
}

// Score returns the code that a CID has in the published scores of a name, if it has one.
func (e *Env) Score(name string, ordinal uint32) (code uint16, there bool, err error) {
	defer e.reading()()
	c, err := e.publishedScore(name)
	if err != nil {
		return 0, false, err
	}
	block, err := e.Version.ScoreBlock(int(ordinal/bitmap.ShardOrdinals), c, int(ordinal%bitmap.ShardOrdinals>>16))
	if err != nil || block == nil {
		return 0, false, err
	}
	cell, there := block.At(uint16(ordinal))
	return uint16(cell.Data), there, nil
}

// ScoresAt writes the codes that CIDs have in the published scores of a name, and who has one. Ordinals in ascending order are read fastest.
func (e *Env) ScoresAt(name string, ordinals []uint32, codes []uint16, there []bool) error {
	defer e.reading()()
	c, err := e.publishedScore(name)
	if err != nil {
		return err
	}
	at := blockOf{read: func(shard, block int) (*column.Block, error) { return e.Version.ScoreBlock(shard, c, block) }}
	for i, ordinal := range ordinals {
		cell, found, err := at.cell(ordinal)
		if err != nil {
			return err
		}
		codes[i], there[i] = uint16(cell.Data), found
	}
	return nil
}

// TextsAt writes the codes of the present values of a string attribute, and who has one. An attribute that nobody has, or one of another type,
// nobody has.
func (e *Env) TextsAt(name string, ordinals []uint32, codes []int64, there []bool) error {
	defer e.reading()()
	id, kind, _, found := e.Schema.Attribute(name)
	if !found || kind != value.String {
		clear(there)
		return nil
	}
	at := blockOf{read: func(shard, block int) (*column.Block, error) {
		return e.Version.Attribute(shard, id, block)
	}}
	for i, ordinal := range ordinals {
		cell, found, err := at.cell(ordinal)
		if err != nil {
			return err
		}
		codes[i], there[i] = cell.Data, found
	}
	return nil
}

// blockOf is the block of a column that was last looked at.
type blockOf struct {
	read  func(shard, block int) (*column.Block, error)
	block *column.Block
	at    int // of the block, from 1 on
}

func (b *blockOf) cell(ordinal uint32) (c column.Cell, there bool, err error) {
	if at := int(ordinal>>16) + 1; at != b.at {
		if b.block, err = b.read(int(ordinal/bitmap.ShardOrdinals), int(ordinal%bitmap.ShardOrdinals>>16)); err != nil {
			return c, false, err
		}
		b.at = at
	}
	if b.block == nil {
		return c, false, nil
	}
	c, there = b.block.At(uint16(ordinal))
	return c, there, nil
}

// ScoreBlock returns a block of the published scores of a name, nil when nobody there has one.
func (b *Blocks) ScoreBlock(name string) (*column.Block, error) {
	if !b.anybody {
		return nil, nil
	}
	c, err := b.run.env.publishedScore(name)
	if err != nil {
		return nil, err
	}
	return b.run.env.Version.ScoreBlock(b.run.shard, c, b.run.block)
}
