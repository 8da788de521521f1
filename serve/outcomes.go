package serve

import (
	"context"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/scoring"
)

// outcomes counts who had which score, and for how many of them the target then held.
type outcomes struct{ cids, positives [1 << 16]uint32 }

// outcomesOf has the model speak as of a cut-off whose horizon has ended by the view's moment.
func outcomesOf(ctx context.Context, view *segments.View, m *scoring.Model, q *propensity.Question, cutoff propensity.Day, w scoring.Walk) (*outcomes, error) {
	o := &outcomes{}
	past, err := view.Before(int32(cutoff))
	if err != nil {
		return nil, err
	}
	after, err := view.Before(int32(cutoff) + int32(q.Definition.HorizonDays))
	if err != nil {
		return nil, err
	}
	target, err := after.Members(ctx, q.Over(cutoff))
	if err != nil {
		return nil, err
	}
	defer target.Close()
	var came segments.Words
	block := -1
	w.View, w.Seen = past, nil
	err = m.Each(ctx, w, func(shard *scoring.Shard) (err error) {
		shard.Each(func(ordinal uint32, code uint16) {
			if at := int(ordinal / segments.BlockCIDs); at != block && err == nil {
				block, err = at, target.At(at, &came)
			}
			o.cids[code]++
			if came.Has(uint16(ordinal % segments.BlockCIDs)) {
				o.positives[code]++
			}
		})
		return err
	})
	return o, err
}

func (o *outcomes) all() (n uint64) {
	for _, c := range o.cids {
		n += uint64(c)
	}
	return n
}

// tenths parts everybody into tenths by score, the highest first. Equal scores stay together, in the tenth that the middle one of
// them is in, so that there may be fewer.
func (o *outcomes) tenths() (list []*whowhenv1.Outcome) {
	all, above, last := float64(o.all()), 0.0, -1
	for code := len(o.cids) - 1; code >= 0; code-- {
		n := float64(o.cids[code])
		if n == 0 {
			continue
		}
		if tenth := int((above + n/2) / all * 10); tenth != last {
			list, last = append(list, &whowhenv1.Outcome{}), tenth
		}
		t := list[len(list)-1]
		t.Cids += uint64(o.cids[code])
		t.Positives += uint64(o.positives[code])
		t.Probability += n * segments.ScoreProbability(uint16(code))
		above += n
	}
	for _, t := range list {
		t.Probability /= float64(t.Cids)
	}
	return list
}
