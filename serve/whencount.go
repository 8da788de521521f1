package serve

import (
	"context"
	"math/bits"
	"sync/atomic"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/plan"
)

// blockCounter counts block after block when its members are sent to. It belongs to one goroutine.
type blockCounter struct {
	plan    *sendPlan
	homes   *homes
	tally   *plan.Tally
	facts   *blockFacts
	offset  *[segments.BlockCIDs]uint8 // the lower byte of column 4
	targets *[segments.BlockCIDs]uint16
	fixed   map[restAt]plan.Fixed
	cids    uint64

	// Of the block at hand: who is not counted yet, and of whom more must be known to tell where they live.
	left, away segments.Words
	curve      plan.Curve
}

// restAt is what all CIDs without best hours of one zone and place are sent to by.
type restAt struct {
	rest   *rest
	target uint16
}

func newBlockCounter(p *sendPlan) *blockCounter {
	return &blockCounter{plan: p, homes: p.newHomes(), tally: p.planner.NewTally(p.others), facts: newBlockFacts(p), offset: new([segments.BlockCIDs]uint8), targets: new([segments.BlockCIDs]uint16), fixed: map[restAt]plan.Fixed{}}
}

// count counts the blocks that are next until there are no more.
func (b *blockCounter) count(ctx context.Context, p *audiencePlan, next *atomic.Int64) error {
	members, err := p.view.Members(ctx, p.node)
	if err != nil {
		return err
	}
	defer members.Close()
	r := p.view.BlockReader(ctx)
	defer r.Close()
	for blocks := int64(p.view.Blocks()); ; {
		number := next.Add(1) - 1
		if number >= blocks {
			return nil
		}
		if err := b.block(members, r, int(number)); err != nil {
			return err
		}
	}
}

func (b *blockCounter) block(members *segments.Members, r *segments.BlockReader, number int) error {
	f := b.facts
	if err := f.read(members, r, number); err != nil {
		return err
	}
	b.cids += uint64(f.members.Count())
	if b.plan.over {
		return nil
	}
	f.known.Clear()
	if b.plan.known {
		if err := segments.ReadScoreCodes(r, f.names[4], &f.members, b.offset, &f.known); err != nil {
			return err
		}
	}
	first := uint32(number) * segments.BlockCIDs
	b.countRest(first)
	if f.known.Empty() {
		return nil
	}
	if err := b.findTargets(r); err != nil {
		return err
	}
	// Most are counted by the ranks of their best hours, for which other columns need not be read.
	one, _ := b.tally.Classes()
	for class := range one {
		if one[class] {
			if err := f.column(r, class, &f.known); err != nil {
				return err
			}
		}
	}
	b.left = f.known
	b.tally.Count(first, (*[plan.BlockCIDs / 64]uint64)(&b.left), b.targets, &[2]*[segments.BlockCIDs]uint16{f.codes[0], f.codes[1]})
	return b.countLeft(r, first)
}

// countRest counts those without best hours: all who live alike have the same window.
func (b *blockCounter) countRest(first uint32) {
	f := b.facts
	for w, word := range f.members {
		for left := word &^ f.known[w]; left != 0; left &= left - 1 {
			x := w<<6 + bits.TrailingZeros64(left)
			zone, place := b.homes.zoneOf(f.zone[x]), b.homes.placeOf(f.country[x])
			rest, target := b.homes.restOf(zone, place), b.target(zone.unseen, place)
			if target == 0 {
				b.tally.AddCurve(zone.unseen.zone, place.name, first+uint32(x), &rest.engagement)
				continue
			}
			at := restAt{rest, target}
			fixed, known := b.fixed[at]
			if !known {
				fixed = b.tally.Fix(target, &rest.engagement)
				b.fixed[at] = fixed
			}
			b.tally.AddFixed(fixed, first+uint32(x))
		}
	}
}

// findTargets finds where those with best hours live.
func (b *blockCounter) findTargets(r *segments.BlockReader) error {
	f := b.facts
	b.away.Clear()
	zones := b.homes.zones
	for w, word := range f.known {
		away := uint64(0)
		for left := word; left != 0; left &= left - 1 {
			x := uint16(w<<6 + bits.TrailingZeros64(left))
			// What follows is homes.zoneOf and homeTarget for those that are known already, without a call.
			at, country := f.zone[x]+1, f.country[x]+1
			if uint64(at) >= uint64(len(zones)) || zones[at] == nil {
				b.homes.zoneOf(f.zone[x])
				if zones = b.homes.zones; uint64(at) >= uint64(len(zones)) {
					away |= left & -left // a code that is not kept
					continue
				}
			}
			zone := zones[at]
			if !zone.isHome(b.offset[x]) {
				away |= left & -left
				continue
			}
			if uint64(country) >= uint64(len(zone.targets)) || zone.targets[country] == 0 {
				b.targets[x] = b.homeTarget(zone, f.country[x])
				continue
			}
			b.targets[x] = zone.targets[country]
		}
		b.away[w] = away
	}
	if err := f.column(r, 5, &b.away); err != nil {
		return err
	}
	b.away.Each(func(x uint16) bool {
		b.targets[x] = b.target(b.livesIn(x))
		return true
	})
	return nil
}

// homeTarget is what findTargets does for the first CID of a zone and country.
func (b *blockCounter) homeTarget(zone *profileZone, country uint32) uint16 {
	const most = 1 << 12 // countries kept
	target := b.target(zone.unseen, b.homes.placeOf(country))
	if country+1 < most {
		zone.targets = keep(zone.targets, country+1, target)
	}
	return target
}

// livesIn returns where one with best hours lives.
func (b *blockCounter) livesIn(x uint16) (*abode, *place) {
	f := b.facts
	zone, place := b.homes.zoneOf(f.zone[x]), b.homes.placeOf(f.country[x])
	if b.away.Has(x) {
		return b.homes.abodeIn(zone, b.offset[x], f.codes[5][x]), place
	}
	return zone.unseen, place
}

// target returns the number of where somebody lives, 0 when there are too many.
func (b *blockCounter) target(a *abode, p *place) uint16 {
	if p.number < len(a.targets) && a.targets[p.number] != 0 {
		return a.targets[p.number]
	}
	target := b.tally.Target(a.zone, p.name)
	if target == 0 {
		return 0
	}
	for len(a.targets) <= p.number {
		a.targets = append(a.targets, 0)
	}
	a.targets[p.number] = target
	return target
}

// countLeft counts those whom their best hours alone did not decide about, or who have no target.
func (b *blockCounter) countLeft(r *segments.BlockReader, first uint32) error {
	if b.left.Empty() {
		return nil
	}
	f := b.facts
	one, both := b.tally.Classes()
	for class := range one {
		if !one[class] && both {
			if err := f.column(r, class, &b.left); err != nil {
				return err
			}
		}
		if one[class] || both {
			if err := f.column(r, 2+class, &b.left); err != nil {
				return err
			}
		}
	}
	habit := plan.Habit{Others: b.plan.others}
	for w, word := range b.left {
		for left := word; left != 0; left &= left - 1 {
			x := uint16(w<<6 + bits.TrailingZeros64(left))
			for class := range one {
				if one[class] || both {
					b.plan.readHabit(&habit, class, f.codes[class][x], f.codes[2+class][x])
				}
			}
			if target := b.targets[x]; target != 0 {
				b.tally.AddHabit(target, first+uint32(x), &habit)
				continue
			}
			lives, place := b.livesIn(x)
			habit.Curve(&b.curve)
			b.tally.AddCurve(lives.zone, place.name, first+uint32(x), &b.curve)
		}
	}
	return nil
}
