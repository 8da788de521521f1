package main

import "whowhen.dev/whowhen/segments/bench"

// askedEvents returns the indexes of the events that days3of30 is asked of: those of 3 % a day.
func askedEvents(d bench.Dataset) (all []int) {
	for i, e := range d.Events() {
		if e.Rate == .03 {
			all = append(all, i)
		}
	}
	return all
}

// presence sets words to who did an event on a day in one block.
func presence(d bench.Dataset, event, day, block int, words *[bench.BlockWords]uint64) {
	clear(words[:])
	for _, ordinal := range d.Happened(event, day, block).Ordinals {
		at := ordinal % bench.BlockOrdinals
		words[at/64] |= 1 << (at % 64)
	}
}
