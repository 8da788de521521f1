package bench

import (
	"context"
	"encoding/binary"
	"fmt"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/baseline"
)

// topLimit returns how many of the best a round of the figure asks for: 100,000 and, for rounds above 0, up to a
// thousand fewer.
func topLimit(round int) uint64 { return 100_000 - uint64(round*7919%1000) }

// Top measures who has the greatest numbers of 16 bits, and compares who that is, by a sum over the CIDs.
func (e *Engine) Top(ctx context.Context, p Pace, l *Library) (Figure, error) {
	attribute := e.data.Numbers()[numberScore].Name
	f := Figure{Name: "top100k", CIDs: e.data.CIDs, Note: fmt.Sprintf("the 100,000 of everyone with the greatest %s; the result is a sum over their CIDs", attribute)}
	ours, theirs := make([]*segments.Selection, p.Rounds), make([]*baseline.Set, p.Rounds)
	round := func(i int) (err error) {
		v, err := e.app.View(ctx, segments.ReadOptions{})
		if err != nil {
			return err
		}
		defer v.Close()
		ours[i], err = v.Top(ctx, expr.Everyone{}, attribute, topLimit(i))
		return err
	}
	if err := p.warm(ctx, round); err != nil {
		return f, err
	}
	samples, err := p.Measure(ctx, round)
	if err != nil {
		return f, err
	}
	f.Times(samples)
	checked := p
	checked.Rounds = len(samples)
	number := l.withNumber(numberScore)
	others, err := checked.Measure(ctx, func(i int) error {
		theirs[i] = number.Top(topLimit(i))
		return nil
	})
	if err != nil {
		return f, err
	}
	for i := range others {
		mine, err := sumOfCIDs(ours[i])
		if err != nil {
			return f, err
		}
		other := uint64(0)
		theirs[i].Each(func(ordinal uint32) { other += sumOfCID(l.data.CID(ordinal)) })
		if mine != other {
			return f, &DisagreementError{f.Name, fmt.Sprintf("the %d of greatest %s", topLimit(i), attribute), mine, other}
		}
		if i == 0 {
			f.Result, f.BaselineResult = &mine, &other
		}
	}
	f.BaselineP50US = Microseconds(others.Quantile(.5))
	f.Speedup = f.BaselineP50US / f.P50US
	return f, nil
}

func sumOfCIDs(s *segments.Selection) (sum uint64, err error) {
	err = s.Each(func(cids *batch.CIDs) error {
		if len(cids.Strings) > 0 {
			return fmt.Errorf("CID %q is not packed", cids.Strings[0])
		}
		for packed := cids.Packed; len(packed) > 0; packed = packed[batch.PackedBytes:] {
			sum += sumOfCID([batch.PackedBytes]byte(packed))
		}
		return nil
	})
	return sum, err
}

// sumOfCID returns what a CID adds to a sum, small enough for sums of 100,000 to stay exact in JSON.
func sumOfCID(cid [batch.PackedBytes]byte) uint64 { return uint64(binary.BigEndian.Uint32(cid[12:])) }
