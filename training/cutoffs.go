package training

import (
	"fmt"
	"slices"
	"strconv"

	"whowhen.dev/whowhen/features/propensity"
)

// Cutoffs says at which days a model is trained and judged. The zero value has them chosen from the span of the data.
type Cutoffs struct {
	// Train has the cut-offs to train on. Of one, earlier ones are added as far as there is data, up to Pool in all; of
	// several, exactly these are taken.
	Train []propensity.Day
	// Test has the cut-offs to judge at, later than those trained on. Several tell luck at one from skill.
	Test []propensity.Day
	// Pool is how many cut-offs are trained on at most when they are chosen; 0 means DefaultPool, 1 only the newest.
	Pool int
}

// DefaultPool is how many cut-offs are trained on, where there is data for so many.
const DefaultPool = 8

// span is what the store knows of the events that a definition asks about.
type span struct {
	first propensity.Day // the first day on which all of these events are known
	last  propensity.Day // the last day that is known as a whole, or may be
	// whole says that last is over: that it is not the last day of the data, which may end at noon.
	whole bool
}

// CutoffError says why no model can be trained at the days asked for.
type CutoffError struct {
	Message string // a sentence: what is wrong, what to do
}

// Error returns the message.
func (e *CutoffError) Error() string { return e.Message }

func badCutoff(format string, args ...any) error {
	return &CutoffError{Message: fmt.Sprintf(format, args...)}
}

// historyDays is how many days of history a cut-off needs before it: columns say nothing of who has just come.
func historyDays(horizonDays int) int { return min(max(horizonDays, 7), 28) }

// pooledHistoryDays is the same for a cut-off that is added to another: with a short past the columns of long windows mean another thing
// there than at the newest one.
func pooledHistoryDays(horizonDays int) int { return max(2*horizonDays, 56) }

// choose completes the cut-offs wanted.
//
// The newest day to be judged at is the last whose horizon has ended. The horizon of every cut-off trained on ends by the first one judged
// at, so that training knows nothing from then on, and the horizons of those added ends by the newest one trained on, so that no day's
// outcome counts twice there.
func (w Cutoffs) choose(known span, horizonDays int) (Cutoffs, error) {
	if w.Pool < 0 {
		return Cutoffs{}, badCutoff("%d cut-offs cannot be pooled; give 1 or more", w.Pool)
	}
	horizon := propensity.Day(horizonDays)
	train, test := slices.Sorted(slices.Values(w.Train)), slices.Sorted(slices.Values(w.Test))
	end := known.last + 1 // the first day of which nothing is known
	if len(test) == 0 {
		newest := end
		if !known.whole {
			newest-- // the last day of the data may be half a day
		}
		test = []propensity.Day{newest - horizon}
	}
	if len(train) == 0 {
		train = []propensity.Day{test[0] - horizon}
	}
	chosen := len(w.Train) == 0 && len(w.Test) == 0
	if history := propensity.Day(historyDays(horizonDays)); chosen && train[0] < known.first+history {
		return Cutoffs{}, badCutoff("there is too little history: the store knows the events that the definition asks about from %s to %s, %s, and a horizon of %s needs %d: %d days of history, a horizon to train on, a horizon to be judged on, and the last day, which may not be over; wait, or take a shorter horizon",
			known.first, known.last, dayWords(strconv.Itoa(int(max(0, known.last-known.first+1)))), dayWords(strconv.Itoa(horizonDays)), int(history)+2*horizonDays+1, history)
	}
	if err := checkCutoffs(train, test, known, horizon); err != nil {
		return Cutoffs{}, err
	}
	if len(w.Train) <= 1 {
		train = w.pool(train[0], known, horizonDays)
	}
	return Cutoffs{Train: train, Test: test, Pool: w.Pool}, nil
}

// pool adds earlier cut-offs, each a horizon or four weeks before the next, whichever is less.
func (w Cutoffs) pool(newest propensity.Day, known span, horizonDays int) []propensity.Day {
	limit := w.Pool
	if limit == 0 {
		limit = DefaultPool
	}
	train := []propensity.Day{newest}
	step, oldest := propensity.Day(min(horizonDays, 28)), known.first+propensity.Day(pooledHistoryDays(horizonDays))
	for d := newest - propensity.Day(horizonDays); len(train) < limit && d >= oldest; d -= step {
		train = append(train, d)
	}
	slices.Reverse(train)
	return train
}

func checkCutoffs(train, test []propensity.Day, known span, horizon propensity.Day) error {
	for _, days := range [][]propensity.Day{train, test} {
		for i, d := range days {
			if i > 0 && d == days[i-1] {
				return badCutoff("the cut-off %s is given twice", d)
			}
		}
	}
	if train[0] <= known.first {
		return badCutoff("nothing is known before the cut-off %s: the first event that the definition asks about is of %s", train[0], known.first)
	}
	newest := train[len(train)-1]
	for _, d := range train[:len(train)-1] {
		if d+horizon > newest {
			return badCutoff("the horizon of the training cut-off %s ends on %s, after the newest training cut-off %s: its outcomes would count twice; leave it out or take %s at the latest", d, d+horizon, newest, newest-horizon)
		}
	}
	if newest+horizon > test[0] {
		return badCutoff("the horizon of the training cut-off %s ends on %s, after the test cut-off %s: the model would have seen what it is judged by; train on %s at the latest", newest, newest+horizon, test[0], test[0]-horizon)
	}
	if last := test[len(test)-1]; last+horizon > known.last+1 {
		return badCutoff("the horizon of the test cut-off %s ends on %s, and the data ends with %s: who has done nothing by then may still do it; take %s at the latest", last, last+horizon, known.last, known.last+1-horizon)
	}
	return nil
}
