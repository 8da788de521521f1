package eval

import (
	"context"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Members tells, block by block, for whom an expression holds. It is one goroutine's.
type Members struct{ run *run }

// Members returns the members of an expression, to be closed. They fail once ctx is done.
func (e *Env) Members(ctx context.Context, n expr.Node) (*Members, error) {
	r, err := e.newRun(ctx, n)
	if err != nil {
		return nil, err
	}
	return &Members{r}, nil
}

// At makes out for whom of a block the expression holds; nobody is in a block that there is not.
func (m *Members) At(number int, out *bitmap.Words) error {
	if number < 0 || number >= m.run.env.blocks() {
		out.Clear()
		return nil
	}
	return m.run.at(number, out)
}

// Close ends the reading.
func (m *Members) Close() { m.run.end() }
