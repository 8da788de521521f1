package features

import (
	"context"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
)

// known is since when an event is known.
type known struct {
	wanted bool // by a column
	there  bool // that anybody did it
	first  int32
}

// scale makes what came in a window what would have come if the data reached as far back as the window does.
func (k known) scale(values []float32, windowDays int, today int32) {
	days := today - k.first + 1
	if !k.there || int(days) >= windowDays {
		return
	}
	times := float64(windowDays) / float64(days)
	for i := range values {
		values[i] = float32(float64(values[i]) * times)
	}
}

// firstDays finds the first day of the events that have scaled columns. It goes through all blocks, since that is about everybody, whoever columns
// are wanted for, and reads somebody's day only where it is earlier than what was found: not all of a listed day may count for the view.
func (x *Extractor) firstDays(ctx context.Context) error {
	if !slices.ContainsFunc(x.events, func(e *event) bool { return e.known.wanted }) {
		return nil
	}
	r := x.view.BlockReader(ctx)
	defer r.Close()
	for block := range x.view.Blocks() {
		if anybody, err := r.GoTo(block); err != nil {
			return err
		} else if !anybody {
			continue
		}
		for _, e := range x.events {
			if !e.known.wanted {
				continue
			}
			if err := e.known.look(r.Days(e.name, math.MinInt32)); err != nil {
				return err
			}
		}
	}
	return nil
}

// look takes in the days of a block, newest first.
func (k *known) look(days []segments.EventDay) error {
	for _, d := range slices.Backward(days) {
		if k.there && d.Day() >= k.first {
			return nil
		}
		who, err := d.Who()
		if err != nil {
			return err
		}
		if len(who) > 0 {
			k.there, k.first = true, d.Day()
		}
	}
	return nil
}
