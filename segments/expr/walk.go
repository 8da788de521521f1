package expr

// Walk calls f for n and everything below it, parents first, in the order of
// the text; what a Top chooses from is below it. It does not enter the conditions of behaviours; see WalkCond.
func Walk(n Node, f func(Node)) {
	f(n)
	switch n := n.(type) {
	case And:
		for _, term := range n.Terms {
			Walk(term, f)
		}
	case Or:
		for _, term := range n.Terms {
			Walk(term, f)
		}
	case Not:
		Walk(n.Term, f)
	case Top:
		Walk(n.Of, f)
	}
}

// WalkCond calls f for c and everything below it, parents first, in the order
// of the text. A nil condition, that of a behaviour without where, has nothing to visit.
func WalkCond(c Cond, f func(Cond)) {
	if c == nil {
		return
	}
	f(c)
	switch c := c.(type) {
	case CondAnd:
		for _, term := range c.Terms {
			WalkCond(term, f)
		}
	case CondOr:
		for _, term := range c.Terms {
			WalkCond(term, f)
		}
	case CondNot:
		WalkCond(c.Term, f)
	}
}
