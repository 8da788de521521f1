package training

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"whowhen.dev/whowhen/features/propensity"
)

const (
	// timelyShare of an event's records come within its usual lag; those that come later would not have been there at a cut-off of the past.
	timelyShare = 0.99
	// mostLagDays is the longest lag that is one. Records that are later than that for the most part were brought in afterwards, as a history is,
	// and when they came says nothing.
	mostLagDays = 7
)

// leaveOutLate measures, on what was known at the newest cut-off trained on, how late the records of each event come, and has columns and
// eligible do without those that come later than is usual. Outcomes keep them: late or not, they happened.
func (j *job) leaveOutLate(ctx context.Context, newest propensity.Day) error {
	then, err := j.base.Before(int32(newest))
	if err != nil {
		return err
	}
	if j.catalog, err = then.Catalog(ctx); err != nil {
		return err
	}
	within := map[string]int32{}
	for _, e := range j.catalog.Events {
		lag := e.LateWithin(timelyShare)
		if lag > mostLagDays {
			continue
		}
		within[e.Name] = lag
		later := uint64(0)
		for _, l := range e.Late {
			if l.Days > lag {
				later += l.Events
			}
		}
		if later > 0 {
			j.leftOut = append(j.leftOut, fmt.Sprintf("%d records of %q that came more than %s after their day, since they would not have been there at a cut-off", later, e.Name, dayWords(strconv.Itoa(int(lag)))))
		}
		if lag > 0 && slices.Contains(j.question.Events(), e.Name) {
			j.warn("records of %q come up to %s late: the last days before a scoring are less complete than those before a cut-off were", e.Name, dayWords(strconv.Itoa(int(lag))))
		}
	}
	j.timely = j.base.WithoutLate(within)
	return nil
}
