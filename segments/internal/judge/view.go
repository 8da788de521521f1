package judge

import (
	"fmt"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// View is what was known at a moment.
type View struct {
	judge     *Judge
	tops      map[string]map[string]bool // by text
	second    int64
	today     int64
	nowMillis int64
}

// At returns the view of a moment; the zero moment is now. A day that is past counts to its end.
func (j *Judge) At(asOf, now time.Time) *View {
	v := &View{judge: j, tops: map[string]map[string]bool{}, second: now.Unix(), today: j.day(now.Unix()), nowMillis: now.UnixMilli()}
	if asOf.IsZero() {
		return v
	}
	if day := j.day(asOf.Unix()); day < v.today {
		v.second, v.today = j.lastSecond(day), day
	}
	return v
}

// Second returns the moment that is answered for.
func (v *View) Second() int64 { return v.second }

// Known says whether a CID had been heard of.
func (v *View) Known(cid string) bool {
	p := v.judge.people[cid]
	return p != nil && p.heardSecond <= v.second
}

// FirstHeard returns the second in which a CID was first heard of.
func (v *View) FirstHeard(cid string) int64 { return v.judge.people[cid].heardSecond }

// Select returns those an expression holds for.
func (v *View) Select(n expr.Node) map[string]bool {
	in := map[string]bool{}
	for _, cid := range v.judge.order {
		if v.Holds(n, cid) {
			in[cid] = true
		}
	}
	return in
}

// Holds says whether an expression holds for a CID. It holds for nobody who had not been heard of.
func (v *View) Holds(n expr.Node, cid string) bool { return v.Known(cid) && v.holds(n, cid) }

func (v *View) holds(n expr.Node, cid string) bool {
	p := v.judge.people[cid]
	switch n := n.(type) {
	case expr.And:
		for _, t := range n.Terms {
			if !v.holds(t, cid) {
				return false
			}
		}
		return true
	case expr.Or:
		for _, t := range n.Terms {
			if v.holds(t, cid) {
				return true
			}
		}
		return false
	case expr.Not:
		return !v.holds(n.Term, cid)
	case expr.Everyone:
		return true
	case expr.Nobody:
		return false
	case expr.Tag:
		expires, borne := p.tags[n.Name]
		return borne && (expires == 0 || v.nowMillis < expires)
	case expr.Sample:
		return v.judge.sampled(n, cid)
	case expr.Attribute:
		return v.judge.compare(p.attributes[n.Name], n.Comparison)
	case expr.Score:
		return v.judge.scored(n, cid)
	case expr.Top:
		return v.top(n)[cid]
	case expr.Behaviour:
		return v.did(n, p)
	}
	panic(fmt.Sprintf("judge: %T", n))
}

// Tag says whether a CID bears a tag, expired or not, and until when.
func (v *View) Tag(name, cid string) (borne bool, expiresMillis int64) {
	expiresMillis, borne = v.judge.people[cid].tags[name]
	return borne, expiresMillis
}

// Attribute returns a CID's attribute, absent when it has none.
func (v *View) Attribute(name, cid string) value.Value { return v.judge.people[cid].attributes[name] }
