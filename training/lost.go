package training

import (
	"context"
	"fmt"
	"math"

	"whowhen.dev/whowhen/segments"

	"whowhen.dev/whowhen/features/propensity"
)

// PopulationError refuses a cut-off of whose population too many are gone: what became of those who are left says little of all.
type PopulationError struct {
	Cutoff       propensity.Day
	Known, Lost  int // of the CIDs heard of by then, those there still are, and those erased or invalid since
	MostLostRate float64
}

// Error says which cut-off, how many, and what to do.
func (e *PopulationError) Error() string {
	return fmt.Sprintf("of the %d CIDs known on %s about %d are erased or invalid since, more than %.0f in a hundred, and perhaps because of what they did; take later cut-offs, or allow more",
		e.Known+e.Lost, e.Cutoff, e.Lost, 100*e.MostLostRate)
}

// warnLost is the share from which a loss is told of.
const warnLost = 0.01

// checkLost refuses cut-offs whose population has lost too many, and notes at each how many that are.
func (j *job) checkLost(ctx context.Context, populations []*population) error {
	days := make([]propensity.Day, len(populations))
	for i, p := range populations {
		days[i] = p.day
	}
	losses, err := j.losses(ctx, days)
	if err != nil {
		return err
	}
	return j.refuseLost(populations, losses)
}

func (j *job) refuseLost(populations []*population, losses *losses) error {
	known, lost := losses.known, losses.lost()
	for i, p := range populations {
		p.lost = lost[i]
		rate := ratio(float64(lost[i]), float64(lost[i]+known[i]))
		if rate > j.options.MostLost {
			return &PopulationError{Cutoff: p.day, Known: known[i], Lost: lost[i], MostLostRate: j.options.MostLost}
		}
		if rate > warnLost {
			j.warn("of the CIDs known on %s about %d of %d are erased or invalid since", p.day, lost[i], lost[i]+known[i])
		}
	}
	return nil
}

// losses counts, for each cut-off, who was known by then and still is, and estimates how many are no more: an ordinal without a CID was someone who came at about the time
// of those next to it, so the lost of a block are shared out as its others were first heard of.
type losses struct {
	known   []int
	gone    []float64
	missing float64 // of blocks of which nobody is left, whose share goes to the next
}

func newLosses(cutoffs int) *losses {
	return &losses{known: make([]int, cutoffs), gone: make([]float64, cutoffs)}
}

// block takes in a block of so many ordinals, of whom so many are left; by are those of them who were known by each cut-off.
func (l *losses) block(ordinals, left int, by []int) {
	l.missing += float64(ordinals - left)
	if left == 0 {
		return
	}
	for i, n := range by {
		l.known[i] += n
		l.gone[i] += l.missing * float64(n) / float64(left)
	}
	l.missing = 0
}

func (l *losses) lost() []int {
	lost := make([]int, len(l.gone))
	for i, n := range l.gone {
		lost[i] = int(math.Round(n))
	}
	return lost
}

func (j *job) losses(ctx context.Context, days []propensity.Day) (*losses, error) {
	l := newLosses(len(days))
	r := j.base.BlockReader(ctx)
	defer r.Close()
	for block := range j.base.Blocks() {
		if _, err := r.GoTo(block); err != nil {
			return nil, err
		}
		left, end := 0, -1
		by := make([]int, len(days))
		err := r.HeardDays(nil, func(x uint16, day int32) {
			left, end = left+1, int(x)
			for i, d := range days {
				if day < int32(d) {
					by[i]++
				}
			}
		})
		if err != nil {
			return nil, err
		}
		size := segments.BlockCIDs
		if block == j.base.Blocks()-1 {
			size = end + 1 // beyond are ordinals that nobody has got yet
		}
		l.block(size, left, by)
	}
	return l, nil
}
