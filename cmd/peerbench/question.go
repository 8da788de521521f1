package main

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"

	"whowhen.dev/whowhen/segments/bench"
	"whowhen.dev/whowhen/segments/expr"
)

// Names of figures.
const (
	figureAnd5     = "and5"
	figureAnd5Wide = "and5_wide"
	figureDays     = "days3of30"
)

func figureNames() []string { return []string{figureAnd5, figureAnd5Wide, figureDays} }

// leastDays is on how many of the 30 days one must have done it.
const leastDays = 3

// question is one way to ask what a figure asks. No two questions of a figure touch the same data, so that, where there are several, asking
// them in turn gains nothing from having asked the one before.
type question struct {
	figure     string
	tags       [5]string // of and5 and and5_wide: a to e, or others as dense
	event      string    // of days3of30
	lastDay    int32     // of the 30, since 1970-01-01
	expression expr.Node
	answer     uint64 // taken off the data itself
}

// questions returns all ways to ask a figure, the plain one first.
func questions(d bench.Dataset, figure string) ([]question, error) {
	var all []question
	switch figure {
	case figureAnd5, figureAnd5Wide:
		variants := 1
		if figure == figureAnd5Wide {
			variants = bench.Variants
		}
		for variant := range variants {
			q := question{figure: figure, lastDay: d.LastDay}
			var indexes [5]int
			for i := range q.tags {
				indexes[i] = 5*variant + i
				q.tags[i] = d.Tags()[indexes[i]].Name
			}
			q.answer = sumBlocks(d, func(block int) uint64 { return and5Block(d, indexes, block) })
			all = append(all, q)
		}
	case figureDays:
		for _, event := range askedEvents(d) {
			answer := sumBlocks(d, func(block int) uint64 { return daysBlock(d, event, block) })
			all = append(all, question{figure: figure, event: d.Events()[event].Name, lastDay: d.LastDay, answer: answer})
		}
	}
	for i := range all {
		n, err := expr.Parse(all[i].text())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].text(), err)
		}
		all[i].expression = n
	}
	return all, nil
}

// text returns the question as whowhen is asked it.
func (q question) text() string {
	if q.figure == figureDays {
		return fmt.Sprintf("days(%q, within %dd) >= %d", q.event, bench.Days, leastDays)
	}
	t := q.tags
	return fmt.Sprintf("(tag(%q) and tag(%q) and (tag(%q) or tag(%q))) and not tag(%q)", t[0], t[1], t[2], t[3], t[4])
}

// and5Block answers and5 for one block, bit by bit.
func and5Block(d bench.Dataset, tags [5]int, block int) (n uint64) {
	var w [5][bench.BlockWords]uint64
	for i, tag := range tags {
		d.TagWords(tag, block, &w[i])
	}
	for i := range bench.BlockWords {
		n += uint64(bits.OnesCount64(w[0][i] & w[1][i] & (w[2][i] | w[3][i]) &^ w[4][i]))
	}
	return n
}

// daysBlock answers days3of30 for one block by counting the days of each ordinal.
func daysBlock(d bench.Dataset, event, block int) (n uint64) {
	var days [bench.BlockOrdinals]uint8
	for day := range bench.Days {
		rows := d.Happened(event, day, block).Ordinals
		for i, ordinal := range rows {
			if i == 0 || rows[i-1] != ordinal {
				days[ordinal%bench.BlockOrdinals]++
			}
		}
	}
	for _, on := range days {
		if on >= leastDays {
			n++
		}
	}
	return n
}

// sumBlocks adds up what f returns for each block, on all processors.
func sumBlocks(d bench.Dataset, f func(block int) uint64) uint64 {
	var done sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	sums := make([]uint64, workers)
	for worker := range workers {
		done.Go(func() {
			for block := worker; block < d.Blocks(); block += workers {
				sums[worker] += f(block)
			}
		})
	}
	done.Wait()
	total := uint64(0)
	for _, s := range sums {
		total += s
	}
	return total
}
