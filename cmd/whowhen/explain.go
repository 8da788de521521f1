package main

import (
	"context"
	"fmt"
	"io"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type explainCmd struct {
	Expression string `arg:"" name:"expr" help:"The audience. docs/LANGUAGE.md tells the language."`
	CID        string `name:"cid" placeholder:"CID" help:"Explain this CID: whether each clause holds for it, and why."`
	reading
}

func (explainCmd) Help() string {
	return `
Without --cid, prints a tree of the expression's clauses: how many each one holds for by
itself, and how many are left when the clauses are applied in order. With --cid, says
whether that CID is in the audience, clause by clause, with what is known of it.

Examples:

  whowhen explain 'country = "DE" and did("open", within 7d) and not tag("staff")'
  whowhen explain 'sum("purchase.amount", within 90d) > 100' --cid 17850
`
}

func (c *explainCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.read(ctx, a, m.flags.App)
	if err != nil {
		return err
	}
	answer, err := a.audience.Explain(ctx, connect.NewRequest(&whowhenv1.ExplainRequest{App: m.flags.App, Expression: c.Expression, Read: read, Cid: c.CID}))
	if err != nil {
		return aboutExpression(err, c.Expression)
	}
	m.warn(answer.Msg.Warnings)
	if m.flags.JSON {
		return writeJSON(m.Stdout, explainJSON(answer.Msg, c.CID))
	}
	return printExplanation(m.Stdout, answer.Msg, c.CID, m.page())
}

// printExplanation prints an answer to Explain for people.
func printExplanation(w io.Writer, r *whowhenv1.ExplainResponse, cid string, p page) error {
	var lines []string
	if cid == "" {
		lines = append(lines, countTree(r.Root, p.width)...)
		lines = append(lines, "", fmt.Sprintf("As of %s, at position %d.", stamp(r.AsOf), r.Position))
	} else {
		lines = append(lines, verdict(r, cid), "")
		lines = append(lines, evidenceTree(r.Root, p)...)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func verdict(r *whowhenv1.ExplainResponse, cid string) string {
	switch {
	case !r.CidKnown:
		return fmt.Sprintf("%s is out: nobody by this CID was known at %s.", cid, stamp(r.AsOf))
	case r.Contained:
		return fmt.Sprintf("%s is in, as of %s. First heard of at %s.", cid, stamp(r.AsOf), stamp(r.FirstHeard))
	}
	return fmt.Sprintf("%s is out, as of %s. First heard of at %s.", cid, stamp(r.AsOf), stamp(r.FirstHeard))
}

// page says what text is printed on.
type page struct {
	width   int
	colours bool
}

// page returns what Stdout is. A file is as wide as a page of print.
func (m *Main) page() page {
	if m.StdoutWidth == 0 {
		return page{width: 100}
	}
	return page{width: m.StdoutWidth, colours: m.Getenv("NO_COLOR") == "" && m.Getenv("TERM") != "dumb"}
}
