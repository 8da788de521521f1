package serve

import (
	"context"
	"math"
	"sync"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

// plannedBlock are the answers for the members of a block.
type plannedBlock struct {
	cids     batch.CIDs
	rows     []plannedRow
	decision uint64     // the first half of all decisions
	ready    chan error // told once, when the block is planned or could not be
}

type plannedRow struct {
	window             windowKey // zero for none
	sendAfter          uint32    // seconds
	chance, engagement uint16
	reasons            plan.Reasons
	evidence           plan.Evidence
	subject            uint64 // of the decision
}

// windowKey tells windows of an answer apart.
type windowKey struct {
	start, end, notAfter int64
	zone                 *plan.Zone
	from                 plan.ZoneFrom
}

// audienceWorkers is how many goroutines plan an audience.
const audienceWorkers = 2

// each calls yield with the blocks of the audience, in their order, while others are planned. A block is good until yield returns.
func (p *audiencePlan) each(ctx context.Context, yield func(*plannedBlock) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	blocks := p.view.Blocks()
	buffers := make([]*plannedBlock, 2*audienceWorkers)
	for i := range buffers {
		buffers[i] = &plannedBlock{ready: make(chan error, 1)}
	}
	free := make([]chan struct{}, len(buffers)) // a buffer's turn to be filled
	for i := range free {
		free[i] = make(chan struct{}, 1)
		free[i] <- struct{}{}
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	for k := range audienceWorkers {
		wait.Go(func() {
			w := &blockPlanner{worker: p.newWorker(), facts: newBlockFacts(p.sendPlan)}
			for number := k; number < blocks; number += audienceWorkers {
				b := number % len(buffers)
				select {
				case <-free[b]:
				case <-ctx.Done():
					return
				}
				buffers[b].ready <- w.block(ctx, p, number, buffers[b])
			}
		})
	}
	for number := range blocks {
		b := number % len(buffers)
		select {
		case err := <-buffers[b].ready:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(buffers[b].rows) > 0 {
			if err := yield(buffers[b]); err != nil {
				return err
			}
		}
		free[b] <- struct{}{}
	}
	return nil
}

// blockPlanner plans block after block. It belongs to one goroutine.
type blockPlanner struct {
	worker   *sendWorker
	facts    *blockFacts
	ordinals []uint32
}

// block plans a block. What it reads of the store it has let go of when it returns.
func (b *blockPlanner) block(ctx context.Context, p *audiencePlan, number int, to *plannedBlock) error {
	to.rows, b.ordinals = to.rows[:0], b.ordinals[:0]
	if err := b.read(ctx, p, number); err != nil {
		return err
	}
	base := uint32(number) * segments.BlockCIDs
	b.facts.members.Each(func(x uint16) bool {
		b.ordinals = append(b.ordinals, base+uint32(x))
		return true
	})
	p.view.ReadCIDs(&to.cids, b.ordinals)
	for i, ordinal := range b.ordinals {
		facts := b.facts.of(uint16(ordinal))
		a := b.worker.answerFor(to.cids.At(i), ordinal, &facts)
		to.decision = a.Decision.Message
		row := plannedRow{reasons: a.Reasons, evidence: a.Evidence, subject: a.Decision.Subject}
		if a.Found() {
			row.window = windowKey{a.StartUnix, a.EndUnix, a.NotAfterUnix, a.Zone, a.ZoneFrom}
			row.sendAfter = uint32(a.SendAtUnix - a.StartUnix)
			row.chance, row.engagement = uint16(math.Round(a.Probability*math.MaxUint16)), uint16(math.Round(a.Engagement*math.MaxUint16))
		}
		to.rows = append(to.rows, row)
	}
	return ctx.Err()
}

func (b *blockPlanner) read(ctx context.Context, p *audiencePlan, number int) error {
	members, err := p.view.Members(ctx, p.node)
	if err != nil {
		return err
	}
	defer members.Close()
	r := p.view.BlockReader(ctx)
	defer r.Close()
	f := b.facts
	if err := f.read(members, r, number); err != nil {
		return err
	}
	f.known.Clear()
	if !p.known || f.members.Empty() {
		return nil
	}
	if err := segments.ReadScoreCodes(r, f.names[4], &f.members, f.codes[4], &f.known); err != nil {
		return err
	}
	for c := range hours.Columns {
		if c == 4 {
			continue
		}
		if err := f.column(r, c, &f.known); err != nil {
			return err
		}
	}
	return nil
}

// blockFacts are what the store knows of the members of a block. They belong to one goroutine.
type blockFacts struct {
	plan          *sendPlan
	names         [hours.Columns]string
	members       segments.Words
	known         segments.Words // who of the members has best hours
	zone, country *[segments.BlockCIDs]uint32
	codes         [hours.Columns]*[segments.BlockCIDs]uint16
}

func newBlockFacts(p *sendPlan) *blockFacts {
	f := &blockFacts{plan: p, zone: new([segments.BlockCIDs]uint32), country: new([segments.BlockCIDs]uint32)}
	for c := range f.codes {
		f.names[c], f.codes[c] = hoursColumn(c), new([segments.BlockCIDs]uint16)
	}
	for x := range f.zone { // as it stays without the attributes
		f.zone[x], f.country[x] = segments.NoCode, segments.NoCode
	}
	return f
}

// read looks up who of a block is in the audience, and what their profiles say of where they live.
func (f *blockFacts) read(members *segments.Members, r *segments.BlockReader, number int) error {
	if err := members.At(number, &f.members); err != nil || f.members.Empty() {
		return err
	}
	if _, err := r.GoTo(number); err != nil {
		return err
	}
	if f.plan.zone != "" {
		if err := r.ReadAttributeCodes(f.plan.zone, &f.members, f.zone); err != nil {
			return err
		}
	}
	if f.plan.country != "" {
		return r.ReadAttributeCodes(f.plan.country, &f.members, f.country)
	}
	return nil
}

// column looks up a column of some who have best hours.
func (f *blockFacts) column(r *segments.BlockReader, c int, who *segments.Words) error {
	if who.Empty() {
		return nil
	}
	var there segments.Words
	return segments.ReadScoreCodes(r, f.names[c], who, f.codes[c], &there)
}

// of returns what is known of a member, once all columns are read.
func (f *blockFacts) of(x uint16) (facts sendFacts) {
	facts.zone, facts.country, facts.hasHours = f.zone[x], f.country[x], f.known.Has(x)
	if facts.hasHours {
		for c := range facts.codes {
			facts.codes[c] = f.codes[c][x]
		}
	}
	return facts
}
