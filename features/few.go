package features

import "whowhen.dev/whowhen/segments"

// mostFew is of how many members of a block it is quicker to ask one by one than to go through everybody.
const mostFew = 64

// few returns the members of the block that the extractor is at if they are so few that others are not looked at, and otherwise nil.
func (x *Extractor) few() []uint16 {
	if x.members == &x.everyone || len(x.ordinals) > mostFew {
		return nil
	}
	return x.ordinals
}

// clearFew makes 0 what was tallied of some, and leaves the tally as it was before them.
func (t *tally) clearFew(e *event, some []uint16) {
	clearAt(&t.count, some)
	clearAt(&t.days, some)
	clearAt(&t.weekend, some)
	clearAt(&t.night, some)
	clearAt(&t.newest, some)
	clearAt(&t.oldest, some)
	for i, p := range e.properties {
		if p.sums > 0 {
			t.sums[i].scale, t.sums[i].big = 0, nil
			clearAt(&t.sums[i].small, some)
		}
		if p.logs > 0 {
			clearAt(&t.logs[i].of, some)
		}
	}
	for i := range e.habits {
		clearAt(&t.habits[i].count, some)
		clearAt(&t.habits[i].last, some)
	}
	for i := range e.tastes {
		clearAt(&t.tastes[i].ranked, some)
		clearAt(&t.tastes[i].weight, some)
	}
}

func clearAt[T any](values *[segments.BlockCIDs]T, some []uint16) {
	var zero T
	for _, x := range some {
		values[x] = zero
	}
}
