package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// world is the sample app before it is written: people, and what they did by day. Only
// the events of the last day depend on the hour at which it is made.
type world struct {
	from, today time.Time // midnights UTC of the window's first and last day
	now         time.Time // on the last day
	days        int
	places      []place
	clocks      []*zoneClock // by place
	categories  []string
	campaigns   []campaign
	people      []person
	byDay       [][][]event // day of the window, part of the people, in order of people
}

// parts is into how many runs of people the work is cut. It must not depend on the
// machine, or the order of events would.
const parts = 16

// newWorld makes people and their histories from a seed. The same seed, sizes
// and now give the same world.
func newWorld(ctx context.Context, seed uint64, people, days int, now time.Time) (*world, error) {
	today := day(now)
	w := &world{
		from: today.AddDate(0, 0, 1-days), today: today, now: now, days: days,
		places: places(), categories: categories(),
		people: make([]person, people), byDay: make([][][]event, days),
	}
	w.campaigns = campaigns(days, w.categories)
	for _, p := range w.places {
		clock, err := newZoneClock(p.zone, w.from.Add(-48*time.Hour), now.Add(48*time.Hour))
		if err != nil {
			return nil, err
		}
		w.clocks = append(w.clocks, clock)
	}
	for day := range w.byDay {
		w.byDay[day] = make([][]event, parts)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for part := range parts {
		group.Go(func() error {
			first, end := part*people/parts, (part+1)*people/parts
			for i := first; i < end; i++ {
				if i%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				w.populate(seed, i, part)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return w, nil
}

// populate makes one person and sorts its events into the days.
func (w *world) populate(seed uint64, index, part int) {
	r := rand.New(rand.NewPCG(seed, uint64(index)))
	w.people[index] = w.newPerson(r, index)
	p := &w.people[index]
	h := history{w: w, r: r, p: p, index: int32(index), clock: w.clocks[p.place]}
	h.live()
	for _, e := range h.events {
		day := e.seconds / 86400
		w.byDay[day][part] = append(w.byDay[day][part], e)
	}
}
