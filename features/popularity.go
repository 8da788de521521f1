package features

import (
	"context"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
)

// popularity says how popular each value of a property was among everybody's events of the last days, and how much older events weigh.
type popularity struct {
	event, property string
	days            int
	weights         []uint64       // by how many days before somebody's newest day; beyond them 0
	ranks           byCode[uint16] // in 65536ths
	read            bool           // whether the ranks are known, which then never change
}

const (
	fullRank   = 1 << 16
	fullWeight = 1<<16 - 1
	// givenEvents is how many events of rank one half everybody is given.
	givenEvents = 3
)

func newPopularity(c Column) *popularity {
	p := &popularity{event: c.Name, property: c.Property, days: c.SpanDays}
	for age := 0; ; age++ {
		w := uint64(math.Round(fullWeight * math.Exp2(-float64(age)/float64(p.days))))
		if w == 0 {
			return p
		}
		p.weights = append(p.weights, w)
	}
}

// from is the first of the days whose events are counted.
func (p *popularity) from(v *segments.View) int32 { return v.Day() - int32(p.days) + 1 }

func (p *popularity) of(c Column) bool {
	return p.event == c.Name && p.property == c.Property && p.days == c.SpanDays
}

// maxPopularities bounds the kinds of popularity that a source has, since each takes a megabyte of every extractor and a table of the values.
const maxPopularities = 16

// unread are the popularities whose ranks are not known.
func (s *Source) unread() []*popularity {
	return slices.DeleteFunc(slices.Clone(s.popularities), func(p *popularity) bool { return p.read })
}

// readPopularities reads everybody's events of the last days. For each value that somebody had then it takes some six bytes if that is a string, and some
// forty if it is a number.
func (s *Source) readPopularities(ctx context.Context) error {
	unread := s.unread()
	if len(unread) == 0 {
		return nil
	}
	r := s.view.BlockReader(ctx)
	defer r.Close()
	counts := make([]byCode[uint32], len(unread))
	var everyone segments.Words
	for block := range s.view.Blocks() {
		if anybody, err := r.GoTo(block); err != nil {
			return err
		} else if !anybody {
			continue
		}
		r.Everyone(&everyone)
		for i, p := range unread {
			for _, d := range r.Days(p.event, p.from(s.view)) {
				err := d.Rows(&everyone, false, func(rows segments.EventRows) {
					rows.Codes(p.property, func(_ []uint16, codes []int64) {
						for _, c := range codes {
							counts[i].set(c, counts[i].of(c)+1)
						}
					})
				})
				if err != nil {
					return err
				}
			}
		}
	}
	for i, p := range unread {
		p.ranks, p.read, counts[i] = ranksOf(&counts[i]), true, byCode[uint32]{}
	}
	return nil
}

// ranksOf turns counts into ranks: of all events the share whose value came less often, and half of those whose value came as often. Their mean over all
// events is one half.
func ranksOf(counts *byCode[uint32]) (ranks byCode[uint16]) {
	events := map[uint32]uint64{} // by how often their value came
	all := uint64(0)
	counts.each(func(_ int64, n uint32) {
		events[n] += uint64(n)
		all += uint64(n)
	})
	sizes := make([]uint32, 0, len(events))
	for n := range events {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	rankOf := make(map[uint32]uint16, len(sizes))
	below := uint64(0)
	for _, n := range sizes {
		share := (float64(below) + float64(events[n])/2) / float64(all)
		rankOf[n] = uint16(min(math.Round(share*fullRank), fullRank-1))
		below += events[n]
	}
	counts.each(func(code int64, n uint32) { ranks.set(code, rankOf[n]) })
	return ranks
}

// tastes tallies the popularity of what each CID of a block took, in whole numbers, so that the order in which events came in does not show. A
// rank and a weight have 16 bits each: 2^32 events of one CID fit.
type tastes struct {
	*popularity
	ranked, weight [segments.BlockCIDs]uint64
}

func (t *tastes) reset() {
	clear(t.ranked[:])
	clear(t.weight[:])
}

// add adds the events of a day; newest has the age of everybody's newest day, plus one.
func (t *tastes) add(rows segments.EventRows, age int, newest *[segments.BlockCIDs]int32) {
	rows.Codes(t.property, func(who []uint16, codes []int64) {
		for i, x := range who {
			before := age + 1 - int(newest[x])
			if newest[x] == 0 || before >= len(t.weights) {
				continue // another's, or too old to count
			}
			w := t.weights[before]
			t.weight[x] += w
			t.ranked[x] += w * uint64(t.ranks.of(codes[i]))
		}
	})
}

// read makes to the means, missing for who has no event that counts.
func (t *tastes) read(to []float32, ordinals []uint16) {
	const given = givenEvents * fullWeight
	for row, x := range ordinals {
		to[row] = missing
		if w := t.weight[x]; w > 0 {
			to[row] = float32((float64(t.ranked[x])/fullRank + given/2.) / (float64(w) + given))
		}
	}
}
