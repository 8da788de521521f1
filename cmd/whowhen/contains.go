package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type containsCmd struct {
	Expression string   `arg:"" name:"expr" help:"The audience. docs/LANGUAGE.md tells the language."`
	CIDs       []string `arg:"" name:"cid" help:"CIDs to ask about; - reads them from stdin, one a line."`
	reading
}

func (containsCmd) Help() string {
	return `
Prints each CID with true or false, separated by a tab, in the order given. A CID that the app
has never heard of is in no audience.

Examples:

  whowhen contains 'tag("vip")' 17850 13047
  whowhen contains 'did("open", within 7d)' - < cids.txt
`
}

// containsChunk is how many CIDs are asked about in one call.
const containsChunk = 10_000

type membership struct {
	CID       string `json:"cid"`
	Contained bool   `json:"contained"`
}

func (c *containsCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	read, err := c.read(ctx, a, m.flags.App)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(m.Stdout)
	results := []membership{}
	var last *whowhenv1.ContainsResponse
	ask := func(cids []string) error {
		answer, err := a.audience.Contains(ctx, connect.NewRequest(&whowhenv1.ContainsRequest{App: m.flags.App, Expression: c.Expression, Read: read, Cids: cids}))
		if err != nil {
			return aboutExpression(err, c.Expression)
		}
		if last == nil {
			m.warn(answer.Msg.Warnings)
		}
		last = answer.Msg
		for i, contained := range answer.Msg.Contained {
			if m.flags.JSON {
				results = append(results, membership{cids[i], contained})
			} else if _, err := fmt.Fprintf(out, "%s\t%t\n", cids[i], contained); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.each(m.Stdin, ask); err != nil {
		return err
	}
	if m.flags.JSON {
		if err := writeJSON(out, struct {
			Results []membership `json:"results"`
			answered
		}{results, newAnswered(last.AsOf, last.Position, last.Warnings)}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// each hands the CIDs out in chunks, at least one, be it empty.
func (c *containsCmd) each(stdin io.Reader, ask func([]string) error) error {
	if len(c.CIDs) != 1 || c.CIDs[0] != "-" {
		for from := 0; from < len(c.CIDs); from += containsChunk {
			if err := ask(c.CIDs[from:min(from+containsChunk, len(c.CIDs))]); err != nil {
				return err
			}
		}
		return nil
	}
	var chunk []string
	asked := false
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		chunk = append(chunk, strings.TrimSuffix(lines.Text(), "\r"))
		if len(chunk) == containsChunk {
			if err := ask(chunk); err != nil {
				return err
			}
			chunk, asked = chunk[:0], true
		}
	}
	if err := lines.Err(); err != nil {
		return failure("reading CIDs from stdin: %v.", err)
	}
	if len(chunk) > 0 || !asked {
		return ask(chunk)
	}
	return nil
}
