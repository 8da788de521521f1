package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// trial is one thing to try: a command, the same as a call, and the answer both give.
type trial struct {
	question string
	command  string // behind the program's name
	method   string
	request  any // in JSON
	answer   string
}

// printThingsToTry asks the sample five things and prints how.
func (m *Main) printThingsToTry(ctx context.Context, a *api, url string) error {
	trials, err := m.thingsToTry(ctx, a)
	if err != nil {
		return err
	}
	if err := m.print("\nServing on %s. Five things to try, in another terminal:", url); err != nil {
		return err
	}
	for i, t := range trials {
		request, err := requestJSON(t.request)
		if err != nil {
			return err
		}
		err = m.print("\n%d. %s\n\n   %s%s %s\n\n   curl -s -H 'Content-Type: application/json' -d %s %s/whowhen.v1.AudienceService/%s\n\n%s",
			i+1, t.question, m.command(), m.atDirectory(), t.command, quoteForShell(request), url, t.method, indent(t.answer, "   "))
		if err != nil {
			return err
		}
	}
	at := m.command() + m.atDirectory()
	err = m.print("\nThen, when to send, each in its own day: %s when --audience 'tag(\"vip\")'\nand with models of who will leave, who will pay and when each is active, in about a minute: %s demo --models", at, at)
	if err != nil {
		return err
	}
	return m.print("\nStop with Ctrl-C.\n")
}

type request struct {
	App        string   `json:"app,omitempty"`
	Expression string   `json:"expression"`
	CID        string   `json:"cid,omitempty"`
	CIDs       []string `json:"cids,omitempty"`
}

func requestJSON(r any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

func (m *Main) thingsToTry(ctx context.Context, a *api) ([]trial, error) {
	const (
		quiet   = `tag("vip") and last("open") before 7d ago`
		spent   = `country in ("ID", "IN") and sum("purchase.amount", within 30d) > 100`
		readers = `tag("newsletter") and push_enabled = true and days("open", within 14d) >= 3 and not did("purchase", within 14d)`
		clicked = `did("push.clicked" where arm = "b", within 30d)`
	)
	app := m.flags.App
	var trials []trial
	for _, t := range []struct{ question, text string }{
		{"How many VIPs have not opened the app for a week?", quiet},
		{"How many in Indonesia and India have spent more than 100 in 30 days?", spent},
	} {
		answer, err := a.audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{App: app, Expression: t.text}))
		if err != nil {
			return nil, err
		}
		trials = append(trials, trial{t.question, "count " + quoteForShell(t.text), "Count",
			request{App: app, Expression: t.text}, fmt.Sprint(answer.Msg.Count)})
	}
	explained, err := m.explainTrial(ctx, a, "Keen readers of the newsletter who buy nothing: how many are left, clause by clause?", readers, "")
	if err != nil {
		return nil, err
	}
	trials = append(trials, explained)

	some, err := a.some(ctx, app, readers, 1)
	if err != nil {
		return nil, err
	}
	if len(some) == 1 {
		why, err := m.explainTrial(ctx, a, "Why is one of them in?", readers, some[0])
		if err != nil {
			return nil, err
		}
		trials = append(trials, why)
	}

	asked, err := a.some(ctx, app, clicked, 1)
	if err != nil {
		return nil, err
	}
	asked = append(asked, some...)
	contained, err := a.audience.Contains(ctx, connect.NewRequest(&whowhenv1.ContainsRequest{App: app, Expression: clicked, Cids: asked}))
	if err != nil {
		return nil, err
	}
	t := trial{"Which of these clicked a message worded the second way, lately?", "contains " + quoteForShell(clicked), "Contains",
		request{App: app, Expression: clicked, CIDs: asked}, ""}
	var answer strings.Builder
	for i, cid := range asked {
		t.command += " " + quoteForShell(cid)
		fmt.Fprintf(&answer, "%s\t%t\n", cid, contained.Msg.Contained[i])
	}
	t.answer = strings.TrimSuffix(answer.String(), "\n")
	return append(trials, t), nil
}

func (m *Main) explainTrial(ctx context.Context, a *api, question, text, cid string) (trial, error) {
	answer, err := a.audience.Explain(ctx, connect.NewRequest(&whowhenv1.ExplainRequest{App: m.flags.App, Expression: text, Cid: cid}))
	if err != nil {
		return trial{}, err
	}
	var printed bytes.Buffer
	p := m.page()
	p.width -= 3
	if err := printExplanation(&printed, answer.Msg, cid, p); err != nil {
		return trial{}, err
	}
	command := "explain " + quoteForShell(text)
	if cid != "" {
		command += " --cid " + quoteForShell(cid)
	}
	return trial{question, command, "Explain", request{App: m.flags.App, Expression: text, CID: cid}, strings.TrimRight(printed.String(), "\n")}, nil
}

// some returns up to limit CIDs of an audience.
func (a *api) some(ctx context.Context, app, text string, limit uint64) ([]string, error) {
	stream, err := a.audience.Select(ctx, connect.NewRequest(&whowhenv1.SelectRequest{App: app, Expression: text, Limit: limit}))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var cids []string
	for stream.Receive() {
		cids = append(cids, stream.Msg().Cids...)
	}
	return cids, stream.Err()
}

func indent(text, by string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = by + line
		}
	}
	return strings.Join(lines, "\n")
}
