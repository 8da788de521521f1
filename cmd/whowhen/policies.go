package main

import (
	"context"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type policiesCmd struct {
	Reload bool `help:"Have the server read the folder again. All of it takes effect, or nothing."`
}

func (policiesCmd) Help() string {
	return `
Lists the policies of quiet hours and holidays, and the calendars, that "whowhen when" can use.
Some are brought along; others are files in the folder "policies" of the data directory:
NAME.toml for policies, NAME.csv and NAME.ics for calendars. docs/SEND_TIME.md tells what they
hold. A fault in one is told with its line.
`
}

func (c *policiesCmd) Run(ctx context.Context, m *Main) error {
	a, err := m.open(ctx, toRead)
	if err != nil {
		return err
	}
	answer, err := a.sendTime.Policies(ctx, connect.NewRequest(&whowhenv1.PoliciesRequest{Reload: c.Reload}))
	if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(answer.Msg)
	}
	policies, calendars := newTable("policy", "version"), newTable("calendar")
	for _, p := range answer.Msg.Policies {
		policies.add(p.Name, p.Version)
	}
	for _, c := range answer.Msg.Calendars {
		calendars.add(c.Name)
	}
	return m.printLines(append(append(policies.lines(), ""), calendars.lines()...))
}
