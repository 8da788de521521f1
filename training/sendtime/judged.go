package sendtime

import (
	"sort"

	model "whowhen.dev/whowhen/models/sendtime"
)

// evidences are the ranges of earlier active days that are told apart; the first is all of them.
var evidences = [...]struct {
	name        string
	least, most int
}{
	{"all", 0, 1 << 30}, {"fewer than 5", 0, 4}, {"5 to 19", 5, 19}, {"20 or more", 20, 1 << 30},
}

const (
	calibrationBins = 20
	mostExamples    = 6
)

// judged adds up what was judged.
type judged struct {
	all        [methods][settings][len(evidences)]tally
	better     [methods][settings]tally // than the method: outcome of the model less its
	ranks      [methods][model.Hours + 1]float64
	hours      bins
	days       bins
	dayLoss    float64
	guesses    float64
	activeDays float64
	messages   judgedMessages
	firstDay   int32
	lastDay    int32
	examples   []example
}

// bins tell what came of probabilities, by the probability.
type bins [calibrationBins]struct{ count, predicted, observed float64 }

func (b *bins) add(p float64, did bool, at int) {
	bin := &b[at]
	bin.count++
	bin.predicted += p
	if did {
		bin.observed++
	}
}

// example is a CID to show: how it was predicted on its last day, and when it was active.
type example struct {
	cid      string
	days     int
	evidence int
	hour     [model.Hours]float64
	counts   [model.Hours]int // of the days judged
	order    uint64
}

func newJudged() *judged { return &judged{} }

func (j *judged) take(cid string, r *personResult) {
	j.takeDays(r.days)
	j.messages.take(r.messages)
	if len(r.predictions) == 0 {
		return
	}
	var sums [methods][settings][len(evidences)]personSum
	var differences [methods][settings]personSum
	e := example{cid: cid, days: len(r.predictions), order: lot(cid)}
	for i := range r.predictions {
		p := &r.predictions[i]
		if j.firstDay == 0 || p.day < j.firstDay {
			j.firstDay = p.day
		}
		j.lastDay = max(j.lastDay, p.day)
		for by := range methods {
			j.ranks[by][p.rank[by]]++
			for s := range settings {
				for k, range_ := range evidences {
					if p.evidence >= range_.least && p.evidence <= range_.most {
						sums[by][s][k].add(p.outcomes[by][s])
					}
				}
				d := p.outcomes[theModel][s]
				for i, v := range p.outcomes[by][s] {
					d[i] -= v
				}
				differences[by][s].add(d)
			}
		}
		for h, v := range p.hour {
			did := p.hours>>h&1 != 0
			j.hours.add(v, did, min(int(v*2*calibrationBins), calibrationBins-1)) // most probabilities are below a half
			if did {
				e.counts[h]++
			}
		}
		e.hour, e.evidence = p.hour, p.evidence
	}
	for by := range methods {
		for s := range settings {
			for k := range evidences {
				j.all[by][s][k].take(&sums[by][s][k])
			}
			j.better[by][s].take(&differences[by][s])
		}
	}
	j.example(e)
}

func (j *judged) takeDays(days []dayGuess) {
	for _, d := range days {
		j.days.add(d.probability, d.active, min(int(d.probability*calibrationBins), calibrationBins-1))
		j.guesses++
		j.dayLoss += lossOf(d.probability, d.active)
		if d.active {
			j.activeDays++
		}
	}
}

// example keeps a few of those with much to show, as drawn by lot.
func (j *judged) example(e example) {
	const least = 20 // days judged
	if e.days < least {
		return
	}
	j.examples = append(j.examples, e)
	sort.Slice(j.examples, func(a, b int) bool { return j.examples[a].order < j.examples[b].order })
	j.examples = j.examples[:min(len(j.examples), mostExamples)]
}
