package segments_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/expr/exprtest"
	"whowhen.dev/whowhen/segments/internal/judge"
)

// someMoment draws an as_of: none, a moment of today, one of a past day.
func (w *world) someMoment() time.Time {
	now := w.clock.now()
	switch w.rng.IntN(4) {
	case 0:
		return time.Time{}
	case 1:
		year, month, day := now.In(w.zone).Date()
		return time.Date(year, month, day, 23, 59, 59, 999_000_000, w.zone)
	}
	return time.UnixMilli(max(0, now.UnixMilli()-w.rng.Int64N(45*86400_000)))
}

// compare holds random expressions against the judge.
func (w *world) compare(expressions int) {
	w.t.Helper()
	gen := exprtest.Gen(w.vocabulary())
	for range expressions {
		n := gen.Example(int(w.rng.Uint32()))
		asOf := w.someMoment()
		if difference := w.difference(n, asOf); difference != "" {
			n, difference = w.shrink(n, asOf, difference)
			w.t.Fatalf("as of %s, now %s in %s:\n%s\n%s", asOf.In(w.zone), w.clock.now().In(w.zone), w.zone, n, difference)
		}
	}
}

// shrink returns the smallest part of an expression that is answered wrongly by itself.
func (w *world) shrink(n expr.Node, asOf time.Time, difference string) (expr.Node, string) {
	for _, part := range parts(n) {
		if d := w.difference(part, asOf); d != "" {
			return w.shrink(part, asOf, d)
		}
	}
	return n, difference
}

func parts(n expr.Node) []expr.Node {
	switch n := n.(type) {
	case expr.And:
		return n.Terms
	case expr.Or:
		return n.Terms
	case expr.Not:
		return []expr.Node{n.Term}
	case expr.Top:
		return []expr.Node{n.Of}
	}
	return nil
}

// difference says where the app and the judge differ about an expression, or returns "".
func (w *world) difference(n expr.Node, asOf time.Time) string {
	w.t.Helper()
	ctx := context.Background()
	v, want := w.view(asOf), w.judge.At(asOf, w.clock.now())
	defer v.Close()
	if got := v.AsOf().Unix(); got != want.Second() {
		return fmt.Sprintf("answered as of %s, want %s", v.AsOf(), time.Unix(want.Second(), 0).UTC())
	}
	in := want.Select(n)
	if len(in) > 0 && len(in) < len(w.judge.CIDs()) {
		w.telling++
	}
	count, err := v.Count(ctx, n)
	if err != nil {
		w.t.Fatal(err)
	}
	if d := w.selection(selected(w.t, v, n), in); d != "" {
		return d
	}
	if count != uint64(len(in)) {
		return fmt.Sprintf("count %d, want %d", count, len(in))
	}
	cids := []string{"nobody knows", pick(w.rng, w.cids), pick(w.rng, w.cids), pick(w.rng, w.cids)}
	cids = append(cids, cids[1])
	holds, err := v.Contains(ctx, n, cids)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, cid := range cids {
		if holds[i] != in[cid] {
			return fmt.Sprintf("contains %q: %v", cid, holds[i])
		}
	}
	if w.rng.IntN(4) == 0 {
		clause, err := v.Explain(ctx, n)
		if err != nil {
			w.t.Fatal(err)
		}
		if d := sameClause(clause, n, want); d != "" {
			return "explain: " + d
		}
	}
	return w.explained(v, n, want, cids[1])
}

// selection compares a list of CIDs with a set, and its order with that in which writes brought them.
func (w *world) selection(got []string, want map[string]bool) string {
	seen := map[string]bool{}
	for i, cid := range got {
		if !want[cid] || seen[cid] {
			return fmt.Sprintf("%q is in, and should not be or is twice", cid)
		}
		seen[cid] = true
		if i > 0 && w.batchOf[got[i-1]] > w.batchOf[cid] {
			return fmt.Sprintf("%q of write %d comes after %q of write %d", cid, w.batchOf[cid], got[i-1], w.batchOf[got[i-1]])
		}
	}
	for cid := range want {
		if !seen[cid] {
			return fmt.Sprintf("%q is out, and should be in", cid)
		}
	}
	return ""
}

// sameClause compares counts clause by clause.
func sameClause(c *segments.Clause, n expr.Node, want *judge.View) string {
	count := uint64(len(want.Select(n)))
	if c.Expression != n.String() || c.Count != count {
		return fmt.Sprintf("%s has %d, want %s with %d", c.Expression, c.Count, n, count)
	}
	terms := parts(n)
	if len(terms) != len(c.Clauses) {
		return fmt.Sprintf("%s has %d clauses", n, len(c.Clauses))
	}
	for i, term := range terms {
		if d := sameClause(c.Clauses[i], term, want); d != "" {
			return d
		}
		var upTo expr.Node
		switch n.(type) {
		case expr.And:
			upTo = expr.And{Terms: terms[:i+1]}
		case expr.Or:
			upTo = expr.Or{Terms: terms[:i+1]}
		default:
			continue
		}
		if running := uint64(len(want.Select(upTo))); c.Clauses[i].Running != running {
			return fmt.Sprintf("%s runs to %d after clause %d, want %d", n, c.Clauses[i].Running, i, running)
		}
	}
	return ""
}

// explained compares the explanation of one CID.
func (w *world) explained(v *segments.View, n expr.Node, want *judge.View, cid string) string {
	x, err := v.ExplainCID(context.Background(), n, cid)
	if err != nil {
		w.t.Fatal(err)
	}
	if !slices.Contains(w.judge.CIDs(), cid) {
		if x.Known || x.Contained || x.Root.Evidence != nil {
			return fmt.Sprintf("explain: there is something about %q, who never came", cid)
		}
		return ""
	}
	if x.Known != want.Known(cid) || x.Contained != want.Holds(n, cid) || x.FirstHeard.Unix() != want.FirstHeard(cid) {
		return fmt.Sprintf("explain %q: %+v, want first heard %s", cid, x, time.Unix(want.FirstHeard(cid), 0).UTC())
	}
	if d := sameEvidence(x.Root, n, want, w.clock.now(), cid); d != "" {
		return fmt.Sprintf("explain %q: %s", cid, d)
	}
	return ""
}

func sameEvidence(c *segments.Clause, n expr.Node, want *judge.View, now time.Time, cid string) string {
	if c.Holds != want.Holds(n, cid) {
		return fmt.Sprintf("%s holds: %v", n, c.Holds)
	}
	for i, term := range parts(n) {
		if d := sameEvidence(c.Clauses[i], term, want, now, cid); d != "" {
			return d
		}
	}
	switch n := n.(type) {
	case expr.Attribute:
		if held := want.Attribute(n.Name, cid); !c.Evidence.Value.Equal(held) {
			return fmt.Sprintf("%s: evidence %s, want %s", n, c.Evidence.Value, held)
		}
	case expr.Score:
		return sameScore(c, n.Name, want, cid)
	case expr.Top:
		return sameScore(c, n.Score, want, cid)
	case expr.Tag:
		_, expires := want.Tag(n.Name, cid)
		if c.Evidence.ExpiresAt.IsZero() && expires != 0 && now.Sub(time.UnixMilli(expires)) > 30*24*time.Hour {
			break // it may be forgotten by now
		}
		if got := c.Evidence.ExpiresAt; got.IsZero() != (expires == 0) || expires != 0 && got.UnixMilli() != expires {
			return fmt.Sprintf("%s: expires %s, want %d", n, got, expires)
		}
	case expr.Behaviour:
		got, d := c.Evidence.Behaviour, want.Deeds(n, cid)
		if got.Count != d.Count || got.Days != d.Days || got.Sum != d.Sum ||
			d.Count > 0 && (got.First.Unix() != d.First || got.Last.Unix() != d.Last) || d.Count == 0 && (!got.First.IsZero() || !got.Last.IsZero()) {
			return fmt.Sprintf("%s: evidence %+v, want %+v", n, *got, d)
		}
	}
	return ""
}

func sameScore(c *segments.Clause, name string, want *judge.View, cid string) string {
	p, there := want.Score(name, cid)
	if got := c.Evidence.Score; there != (got != nil) || there && got.Probability != p {
		return fmt.Sprintf("%s: evidence %+v, want %v, %v", c.Expression, got, p, there)
	}
	return ""
}
