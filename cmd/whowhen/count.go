package main

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type countCmd struct {
	Expression string `arg:"" name:"expr" help:"The audience. docs/LANGUAGE.md tells the language."`
	reading
}

func (countCmd) Help() string {
	return `
Prints how many CIDs the expression holds for. Names that nobody has used yet are warned of on
stderr: they are empty, and often misspelt.

Examples:

  whowhen count 'tag("vip") and not tag("staff")'
  whowhen count 'count("purchase", within 90d) >= 3 and country = "DE"'
  whowhen count 'last("open") before 14d ago' --as-of 2026-01-31
  whowhen count 'everyone' --json
`
}

func (c *countCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.read(ctx, a, m.flags.App)
	if err != nil {
		return err
	}
	answer, err := a.audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{App: m.flags.App, Expression: c.Expression, Read: read}))
	if err != nil {
		return aboutExpression(err, c.Expression)
	}
	r := answer.Msg
	m.warn(r.Warnings)
	if m.flags.JSON {
		return writeJSON(m.Stdout, struct {
			Count uint64 `json:"count"`
			answered
			Expression string `json:"expression"`
		}{r.Count, newAnswered(r.AsOf, r.Position, r.Warnings), r.Expression})
	}
	_, err = fmt.Fprintln(m.Stdout, r.Count)
	return err
}
