package main

import (
	"bufio"
	"context"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type selectCmd struct {
	Expression string `arg:"" name:"expr" help:"The audience. docs/LANGUAGE.md tells the language."`
	Limit      uint64 `placeholder:"N" help:"Stop after this many CIDs. Default: all."`
	reading
}

func (selectCmd) Help() string {
	return `
Prints the CIDs in the order the app first heard of them, one a line; with --json one
object a line, {"cid":"..."}. All of them are those of one moment, however long it takes.

Examples:

  whowhen select 'did("purchase", within 7d)' > buyers.txt
  whowhen select 'sample(1%, "panel")' --limit 1000 --json
`
}

func (c *selectCmd) Run(ctx context.Context, m *Main) (err error) {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.read(ctx, a, m.flags.App)
	if err != nil {
		return err
	}
	stream, err := a.audience.Select(ctx, connect.NewRequest(&whowhenv1.SelectRequest{App: m.flags.App, Expression: c.Expression, Read: read, Limit: c.Limit}))
	if err != nil {
		return aboutExpression(err, c.Expression)
	}
	defer stream.Close()
	out := bufio.NewWriterSize(m.Stdout, 64<<10)
	for stream.Receive() {
		m.warn(stream.Msg().Warnings)
		if err := c.print(out, stream.Msg().Cids, m.flags.JSON); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return aboutExpression(err, c.Expression)
	}
	return out.Flush()
}

func (c *selectCmd) print(out *bufio.Writer, cids []string, asJSON bool) error {
	for _, cid := range cids {
		if asJSON {
			if err := writeJSON(out, struct {
				CID string `json:"cid"`
			}{cid}); err != nil {
				return err
			}
			continue
		}
		out.WriteString(cid)
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}
