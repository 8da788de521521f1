package features

import (
	"context"
	"fmt"
	"math"

	"whowhen.dev/whowhen/segments"
)

// Extractor computes columns block by block from what a view knows. It is one goroutine's; several may read one source at a time. It takes the
// memory of a block, whatever the number of CIDs: some megabytes, and four bytes for each column and CID of the block.
type Extractor struct {
	source   *Source
	reader   *segments.BlockReader
	events   []*event
	facts    []fact
	rates    []rate
	columns  [][]float32
	everyone segments.Words
	tally    *tally
	logs     bool // whether a column needs a logTable
	chances  chances

	// Of the block it is at.
	members  *segments.Words
	ordinals []uint16
}

// rate is a column that is made of the counts of two events.
type rate struct {
	column int
	per    []float32
}

// fact is a column that no event makes.
type fact struct {
	column int
	Column
	kind   string    // type of an attribute
	levels []float32 // of a string attribute, the level by code
	others float32   // the level of what is not among them
}

// Extractor returns an extractor, which fails once ctx is done, and is to be closed before the view is.
func (s *Source) Extractor(ctx context.Context) (*Extractor, error) {
	x, err := s.newExtractor()
	if err != nil {
		return nil, err
	}
	x.reader, x.tally = s.view.BlockReader(ctx), new(tally)
	if x.logs {
		x.tally.logTable = newLogTable()
	}
	return x, nil
}

// newExtractor makes an extractor that has no room yet.
func (s *Source) newExtractor() (*Extractor, error) {
	x := &Extractor{source: s, columns: make([][]float32, len(s.columns))}
	for i, c := range s.columns {
		if err := x.add(i, c, s.levels[c]); err != nil {
			return nil, fmt.Errorf("column %s: %w", c, err)
		}
	}
	for _, e := range x.events {
		e.settle()
	}
	return x, nil
}

func (x *Extractor) add(at int, c Column, levels []string) error {
	switch c.Family {
	case Tenure, Tag:
		x.facts = append(x.facts, fact{column: at, Column: c})
	case Attribute:
		f, err := newFact(x.source.view, at, c, levels)
		if err != nil {
			return err
		}
		x.facts = append(x.facts, f)
	case Trend:
		e := x.event(c.Name, c.Anything)
		e.outputs = append(e.outputs, output{kind: plainCount, column: at, window: c.WindowDays},
			output{kind: trend, column: at, window: c.LongDays, short: c.WindowDays})
	case Rate:
		of, per := x.event(c.Name, false), x.event(c.Per, false)
		of.outputs = append(of.outputs, output{kind: plainCount, column: at, window: c.WindowDays})
		per.outputs = append(per.outputs, output{kind: rateOver, column: len(x.rates), window: c.WindowDays})
		x.rates = append(x.rates, rate{column: at})
	default:
		e := x.event(c.Name, c.Anything)
		o := output{kind: kinds[c.Family], column: at, window: c.WindowDays, scaled: c.Scaled, since: c.SinceDay}
		switch c.Family {
		case Sum, Flow:
			o.property = e.property(c.Property)
		case Typical:
			o.property, o.around, x.logs = e.property(c.Property), c.Around, true
		case Habit:
			var err error
			if o.habit, err = e.habit(c.SpanDays); err != nil {
				return err
			}
		case Chance:
			o.span = c.SpanDays
		case Popularity:
			o.taste = e.taste(x.source.popularity(c))
		}
		e.outputs = append(e.outputs, o)
	}
	return nil
}

// Close ends the reading.
func (x *Extractor) Close() { x.reader.Close() }

// Extract computes the columns for members of a block, or for everyone of it who had been heard of when members is nil. It returns their
// ordinals within the block, ascending, and each column with a value for each of them, NaN where it is missing. Both are good until the next
// call. The members must have been heard of.
func (x *Extractor) Extract(block int, members *segments.Words) (ordinals []uint16, columns [][]float32, err error) {
	anybody, err := x.reader.GoTo(block)
	if err != nil {
		return nil, nil, err
	}
	if x.members = members; members == nil {
		x.members = &x.everyone
		x.reader.Everyone(x.members)
	}
	x.ordinals = x.ordinals[:0]
	if anybody {
		x.members.Each(func(o uint16) bool { x.ordinals = append(x.ordinals, o); return true })
	}
	for i := range x.columns {
		x.columns[i] = resize(x.columns[i], len(x.ordinals))
	}
	for i := range x.rates {
		x.rates[i].per = resize(x.rates[i].per, len(x.ordinals))
	}
	if len(x.ordinals) == 0 {
		return x.ordinals, x.columns, nil
	}
	for _, e := range x.events {
		if err := x.walk(e); err != nil {
			return nil, nil, err
		}
	}
	for i := range x.rates {
		to := x.columns[x.rates[i].column]
		for row, per := range x.rates[i].per {
			to[row] = share(float64(to[row]), float64(per))
		}
	}
	for i := range x.facts {
		if err := x.tell(&x.facts[i]); err != nil {
			return nil, nil, err
		}
	}
	return x.ordinals, x.columns, nil
}

func resize(list []float32, n int) []float32 {
	switch {
	case cap(list) >= n:
	case n <= mostFew:
		return make([]float32, n, mostFew)
	default:
		return make([]float32, n, segments.BlockCIDs)
	}
	return list[:n]
}

// share returns part / whole, missing when there is no whole.
func share(part, whole float64) float32 {
	if whole == 0 {
		return missing
	}
	return float32(part / whole)
}

var missing = float32(math.NaN())
