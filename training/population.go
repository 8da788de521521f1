package training

import (
	"context"
	"fmt"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"

	"whowhen.dev/whowhen/features/propensity"
)

// population is who is asked about at a cut-off, block by block, and what came of it.
type population struct {
	day       propensity.Day
	past      *segments.View // knows what happened before the day
	after     *segments.View // knows the horizon, too
	earlier   *segments.View // who is asked about had been heard of by then, too; nil when it is the same as past
	question  *propensity.Question
	eligible  int
	positives int
	lost      int // about: known by the day, and no more
	keep      sample
	// kept is how many rows there are, and startOf the first of each block.
	kept, keptPositives int
	startOf             []int
}

// sample says which rows are kept: those whose CID's number, drawn from the seed and the ordinal, is below a bound, which differs by the
// outcome. The same CID has the same number at every cut-off, so that what is kept of one is kept of all.
type sample struct {
	seed uint64
	// rate of negatives and of positives; 1 keeps all.
	rate [2]float64
}

func (s sample) has(ordinal uint32, positive bool) bool {
	rate := s.rate[index(positive)]
	return rate >= 1 || float64(mix(s.seed^mix(uint64(ordinal)))>>11)*0x1p-53 < rate
}

// weight is how many rows a kept row stands for.
func (s sample) weight(positive bool) float32 { return float32(1 / s.rate[index(positive)]) }

// of returns the sample that keeps about most rows: all of the rarer outcome as far as half the room goes.
func (s sample) of(negatives, positives, most int) sample {
	s.rate = [2]float64{1, 1}
	if negatives+positives <= most {
		return s
	}
	rarer, commoner := min(negatives, positives), max(negatives, positives)
	room := most - min(rarer, most/2)
	s.rate[index(positives > negatives)] = float64(room) / float64(commoner)
	s.rate[index(positives <= negatives)] = min(1, float64(most/2)/float64(max(rarer, 1)))
	return s
}

func index(positive bool) int {
	if positive {
		return 1
	}
	return 0
}

// mix is the finaliser of SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014), a bijection whose bits look random.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// newPopulation counts who is eligible at a cut-off and for whom the target holds, and draws which of them are kept. Of seen days before the
// cut-off, only those are counted who had been heard of by then.
func (j *job) newPopulation(ctx context.Context, day propensity.Day, seen, mostRows int) (*population, error) {
	p := &population{day: day, question: j.question, keep: sample{seed: j.options.Seed, rate: [2]float64{1, 1}}, startOf: make([]int, j.base.Blocks()+1)}
	var err error
	if p.past, err = j.timely.Before(int32(day)); err != nil {
		return nil, err
	}
	if p.after, err = j.base.Before(int32(day) + int32(j.question.Definition.HorizonDays)); err != nil {
		return nil, err
	}
	if seen > 0 {
		if p.earlier, err = j.timely.Before(int32(day) - int32(seen)); err != nil {
			return nil, err
		}
	}
	all, err := j.tally(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		p.eligible += t.rows
		p.positives += t.positives
	}
	kept := all
	if p.eligible > mostRows {
		p.keep = p.keep.of(p.eligible-p.positives, p.positives, mostRows)
		if kept, err = j.tally(ctx, p); err != nil {
			return nil, err
		}
	}
	for i, t := range kept {
		p.startOf[i] = p.kept
		p.kept += t.rows
		p.keptPositives += t.positives
	}
	p.startOf[len(kept)] = p.kept
	return p, nil
}

type tally struct{ rows, positives int }

// tally counts the kept rows of each block.
func (j *job) tally(ctx context.Context, p *population) ([]tally, error) {
	tallies := make([]tally, j.base.Blocks())
	err := j.eachBlock(ctx, fmt.Sprintf("counting who is eligible on %s", p.day), func(ctx context.Context) (func(int) error, func(), error) {
		r, err := p.reader(ctx)
		if err != nil {
			return nil, nil, err
		}
		return func(block int) error {
			if err := r.goTo(block); err != nil {
				return err
			}
			tallies[block] = tally{r.rows.Count(), r.rows.CountAnd(&r.positive)}
			return nil
		}, r.close, nil
	})
	return tallies, err
}

// populationReader makes out, block by block, whose rows are kept and which of them are positive. It is one goroutine's.
type populationReader struct {
	of                      *population
	eligible, target, heard *segments.Members // heard is nil where the population has no earlier view
	rows, positive          segments.Words
}

func (p *population) reader(ctx context.Context) (*populationReader, error) {
	eligible, err := p.past.Members(ctx, p.question.Eligible)
	if err != nil {
		return nil, err
	}
	target, err := p.after.Members(ctx, p.question.Over(p.day))
	if err != nil {
		eligible.Close()
		return nil, err
	}
	r := &populationReader{of: p, eligible: eligible, target: target}
	if p.earlier != nil {
		if r.heard, err = p.earlier.Members(ctx, expr.Everyone{}); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

func (r *populationReader) close() {
	if r.heard != nil {
		r.heard.Close()
	}
	r.eligible.Close()
	r.target.Close()
}

func (r *populationReader) goTo(block int) error {
	if err := r.eligible.At(block, &r.rows); err != nil {
		return err
	}
	if r.heard != nil {
		var heard segments.Words
		if err := r.heard.At(block, &heard); err != nil {
			return err
		}
		r.rows.And(&heard)
	}
	if r.rows.Empty() {
		r.positive.Clear()
		return nil
	}
	if err := r.target.At(block, &r.positive); err != nil {
		return err
	}
	r.positive.And(&r.rows)
	if keep := r.of.keep; keep.rate != [2]float64{1, 1} {
		all := r.rows
		all.Each(func(x uint16) bool {
			if !keep.has(uint32(block)*segments.BlockCIDs+uint32(x), r.positive.Has(x)) {
				r.rows.Unset(x)
			}
			return true
		})
		r.positive.And(&r.rows)
	}
	return nil
}
