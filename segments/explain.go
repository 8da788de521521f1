package segments

import (
	"context"
	"fmt"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/eval"
	"whowhen.dev/whowhen/segments/value"
)

// Explain counts an expression clause by clause.
func (v *View) Explain(ctx context.Context, n expr.Node) (*Clause, error) {
	if err := v.Check(n); err != nil {
		return nil, err
	}
	count, err := v.env.Count(ctx, n)
	if err != nil {
		return nil, err
	}
	return v.explain(ctx, n, count)
}

// explain explains a node whose count is known.
func (v *View) explain(ctx context.Context, n expr.Node, count uint64) (*Clause, error) {
	c := &Clause{Expression: n.String(), Count: count, Running: count}
	for i, term := range children(n) {
		alone, err := v.env.Count(ctx, term)
		if err != nil {
			return nil, err
		}
		child, err := v.explain(ctx, term, alone)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			if child.Running, err = v.env.Count(ctx, prefix(n, i+1)); err != nil {
				return nil, err
			}
		}
		c.Clauses = append(c.Clauses, child)
	}
	return c, nil
}

func children(n expr.Node) []expr.Node {
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

// prefix returns an and or or of the first terms only.
func prefix(n expr.Node, terms int) expr.Node {
	if o, ok := n.(expr.Or); ok {
		return expr.Or{Terms: o.Terms[:terms]}
	}
	return expr.And{Terms: n.(expr.And).Terms[:terms]}
}

// ExplainCID says clause by clause why a CID is in an audience or not, with the evidence.
func (v *View) ExplainCID(ctx context.Context, n expr.Node, cid string) (*CIDExplanation, error) {
	if err := v.Check(n); err != nil {
		return nil, err
	}
	ordinal, found := v.env.CIDs.Find(cid)
	if !found || int(ordinal) >= v.env.Version.CIDs {
		return &CIDExplanation{Root: unexplained(n)}, nil
	}
	heard, err := v.env.FirstHeard(ordinal)
	if err != nil {
		return nil, err
	}
	x := &CIDExplanation{Known: heard <= v.env.AsOfSeconds, FirstHeard: time.Unix(heard, 0).UTC()}
	if x.Root, err = v.clauseOf(ctx, n, cid, ordinal); err != nil {
		return nil, err
	}
	x.Contained = x.Root.Holds
	return x, nil
}

// unexplained is the tree of an expression for a CID of which nothing is known.
func unexplained(n expr.Node) *Clause {
	c := &Clause{Expression: n.String()}
	for _, term := range children(n) {
		c.Clauses = append(c.Clauses, unexplained(term))
	}
	return c
}

func (v *View) clauseOf(ctx context.Context, n expr.Node, cid string, ordinal uint32) (*Clause, error) {
	holds, err := v.env.Contains(ctx, n, []uint32{ordinal})
	if err != nil {
		return nil, err
	}
	c := &Clause{Expression: n.String(), Holds: holds[0]}
	for _, term := range children(n) {
		child, err := v.clauseOf(ctx, term, cid, ordinal)
		if err != nil {
			return nil, err
		}
		c.Clauses = append(c.Clauses, child)
	}
	c.Evidence, err = v.evidence(ctx, n, cid, ordinal)
	return c, err
}

func (v *View) evidence(ctx context.Context, n expr.Node, cid string, ordinal uint32) (*Evidence, error) {
	switch n := n.(type) {
	case expr.Everyone, expr.Nobody:
		heard, err := v.env.FirstHeard(ordinal)
		return &Evidence{Summary: "first heard of at " + v.wall(time.Unix(heard, 0))}, err
	case expr.Tag:
		return v.tagEvidence(n, ordinal)
	case expr.Sample:
		share := v.env.SampleShare(n, cid)
		return &Evidence{Summary: fmt.Sprintf("falls at %.4f %% of the sample, which takes those below %s %%", share, n.Percent)}, nil
	case expr.Attribute:
		held, err := v.env.Attribute(n.Name, ordinal)
		summary := "has no such attribute"
		if held.Kind != value.Absent {
			summary = "is " + held.String()
		}
		return &Evidence{Summary: summary, Value: held}, err
	case expr.Score:
		return v.scoreEvidence(n.Name, ordinal)
	case expr.Top:
		return v.scoreEvidence(n.Score, ordinal)
	case expr.Behaviour:
		return v.behaviourEvidence(ctx, n, ordinal)
	}
	return nil, nil
}

func (v *View) tagEvidence(n expr.Tag, ordinal uint32) (*Evidence, error) {
	borne, expires, err := v.env.Tag(n.Name, ordinal)
	if err != nil {
		return nil, err
	}
	e := &Evidence{Summary: "does not bear the tag"}
	if !borne {
		return e, nil
	}
	e.Summary = "bears the tag"
	if expires != 0 {
		e.ExpiresAt = time.UnixMilli(expires).UTC()
		e.Summary += ", until " + v.wall(e.ExpiresAt)
		if expires <= v.env.NowMillis {
			e.Summary = "bore the tag, which expired at " + v.wall(e.ExpiresAt)
		}
	}
	return e, nil
}

func (v *View) behaviourEvidence(ctx context.Context, n expr.Behaviour, ordinal uint32) (*Evidence, error) {
	deeds, err := v.env.Deeds(ctx, n, ordinal)
	if err != nil {
		return nil, err
	}
	b := &BehaviourEvidence{Count: deeds.Count, Days: deeds.Days, Sum: deeds.Sum}
	if deeds.Count > 0 {
		b.First, b.Last = time.Unix(deeds.First, 0).UTC(), time.Unix(deeds.Last, 0).UTC()
	}
	return &Evidence{Summary: v.deedsSummary(n, deeds, b), Behaviour: b}, nil
}

func (v *View) deedsSummary(n expr.Behaviour, d eval.Deeds, b *BehaviourEvidence) string {
	if d.Count == 0 {
		if n.Func == expr.First || n.Func == expr.Last || n.Window.Kind == expr.Ever {
			return "never did"
		}
		return "did not, in the window"
	}
	var parts []string
	if n.Func == expr.Sum {
		parts = append(parts, "sum "+d.Sum)
	}
	parts = append(parts, plural(d.Count, "event")+" on "+plural(d.Days, "day"))
	if b.First.Equal(b.Last) {
		parts = append(parts, "at "+v.wall(b.First))
	} else {
		parts = append(parts, "first "+v.wall(b.First), "last "+v.wall(b.Last))
	}
	return strings.Join(parts, ", ")
}

// wall returns a moment as a clock in the app's zone shows it.
func (v *View) wall(t time.Time) string { return t.In(v.app.zone).Format("2006-01-02 15:04:05 MST") }

func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
