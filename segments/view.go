package segments

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/eval"
	"whowhen.dev/whowhen/segments/value"
)

// View answers expressions at one moment from one version of the index. Close it when done: until then
// all that the version needs is kept.
type View struct {
	app     *App
	env     eval.Env
	release func()
}

// View pins the newest version, waiting up to 5 s for the position that is asked for.
//
// A moment on a past day means the end of that day in the app's zone; one of today means now; a later day is an
// error with reason AsOfInFuture.
func (a *App) View(ctx context.Context, o ReadOptions) (*View, error) {
	now := a.options.Clock()
	asOf, day, today, err := a.asOf(o.AsOf, now)
	if err != nil {
		return nil, err
	}
	if o.AtLeastPosition > a.index.Position() {
		if err := a.await(ctx, o.AtLeastPosition); err != nil {
			return nil, err
		}
	}
	version, release := a.index.Pin()
	return &View{app: a, release: release, env: eval.Env{
		Version: version, Schema: a.index.Schema, CIDs: a.index.CIDs, Zone: a.zone,
		AsOfSeconds: asOf, AsOfDay: day, NowMillis: now.UnixMilli(), Today: today, Pool: a.pool,
	}}, nil
}

// asOf returns the second to answer for and its app day, and today's.
func (a *App) asOf(wanted, now time.Time) (second int64, day, today int32, err error) {
	zone := civil.NewZone(a.zone)
	today = zone.Day(now.Unix())
	if wanted.IsZero() {
		return now.Unix(), today, today, nil
	}
	if wanted.Unix() < 0 || wanted.Year() > 9999 {
		return 0, 0, 0, &Error{Reason: AsOfOutOfRange, Field: "read.as_of", Message: fmt.Sprintf("as_of %s lies outside the years 1970 to 9999", wanted.UTC().Format(time.RFC3339))}
	}
	switch day = zone.Day(wanted.Unix()); {
	case day > today:
		return 0, 0, 0, &Error{Reason: AsOfInFuture, Field: "read.as_of",
			Message: fmt.Sprintf("as_of %s is after today, %s in %s; leave it out to ask for now", wanted.UTC().Format(time.RFC3339), civil.Format(today), a.zone)}
	case day == today:
		return now.Unix(), today, today, nil
	}
	return zone.LastSecond(day), day, today, nil
}

// Close gives the version free.
func (v *View) Close() { v.release() }

// AsOf returns the moment that is answered for, to the second.
func (v *View) AsOf() time.Time { return time.Unix(v.env.AsOfSeconds, 0).UTC() }

// Position returns the position of the log up to which everything is taken into account.
func (v *View) Position() uint64 { return v.env.Version.Position }

// Count returns how many CIDs an expression holds for.
func (v *View) Count(ctx context.Context, n expr.Node) (uint64, error) {
	if err := v.Check(n); err != nil {
		return 0, err
	}
	return v.env.Count(ctx, n)
}

// Select returns who an expression holds for, in the order the app first saw them, and with a limit above 0 the first
// so many. The view can be closed before the CIDs are read.
func (v *View) Select(ctx context.Context, n expr.Node, limit uint64) (*Selection, error) {
	if err := v.Check(n); err != nil {
		return nil, err
	}
	s, err := v.env.Select(ctx, n, limit)
	if err != nil {
		return nil, err
	}
	return &Selection{who: s, cids: v.env.CIDs}, nil
}

// Top returns, of those an expression holds for, the ones with the greatest values of a numeric attribute, as many as limit says; of equal
// values those whom the app first saw. Who has no value is not among them. They come in the order of Select, not of their values. An
// attribute that nobody has, or that has no numbers, is an error.
func (v *View) Top(ctx context.Context, n expr.Node, attribute string, limit uint64) (*Selection, error) {
	id, kind, _, found := v.env.Schema.Attribute(attribute)
	if !found || kind != value.Number {
		return nil, &Error{Reason: NotANumber, Field: "attribute", Message: fmt.Sprintf("%s is no numeric attribute of app %s", value.Quote(attribute), v.app.name)}
	}
	if err := v.Check(n); err != nil {
		return nil, err
	}
	s, err := v.env.Top(ctx, n, id, limit)
	if err != nil {
		return nil, err
	}
	return &Selection{who: s, cids: v.env.CIDs}, nil
}

// Contains says for each CID whether an expression holds for it. A CID that the app does not know is in
// no audience.
func (v *View) Contains(ctx context.Context, n expr.Node, cids []string) ([]bool, error) {
	if err := v.Check(n); err != nil {
		return nil, err
	}
	ordinals := make([]uint32, len(cids))
	v.env.CIDs.FindAll(&batch.CIDs{Strings: cids}, ordinals)
	known := make([]uint64, 0, len(cids)) // ordinal<<32 | row
	for row, ordinal := range ordinals {
		if ordinal != dict.Nobody {
			known = append(known, uint64(ordinal)<<32|uint64(row))
		}
	}
	slices.Sort(known)
	ordinals = ordinals[:len(known)]
	for i, k := range known {
		ordinals[i] = uint32(k >> 32)
	}
	holds, err := v.env.Contains(ctx, n, ordinals)
	if err != nil {
		return nil, err
	}
	contained := make([]bool, len(cids))
	for i, k := range known {
		contained[uint32(k)] = holds[i]
	}
	return contained, nil
}
