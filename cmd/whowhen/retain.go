package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type retainCmd struct {
	What string `arg:"" name:"what" enum:"event,tag" help:"event or tag."`
	Name string `arg:"" name:"name" help:"Its name. It need not be in use yet."`
	Keep string `arg:"" name:"keep" help:"How long: days, such as 90d, or forever."`
}

func (retainCmd) Help() string {
	return `
Says from now on how long the events of a name, or a tag, are kept. An event kept for 90d is
there on its day and the 89 after it, counted by the app's days; then no question sees it any
more, and it leaves the disk in time. A tag kept for 90d expires 90 days after it was set, and
who bears it now counts as having got it now. A longer rule brings nothing back.
"whowhen status" lists the rules.

Examples:

  whowhen retain event page_view 90d
  whowhen retain tag cart-abandoned 7d
  whowhen retain event purchase forever
`
}

func (c *retainCmd) Run(ctx context.Context, m *Main) error {
	days, err := parseKeep(c.Keep)
	if err != nil {
		return err
	}
	rule := &whowhenv1.Retention{Of: &whowhenv1.Retention_Event{Event: c.Name}, KeepDays: days}
	if c.What == "tag" {
		rule.Of = &whowhenv1.Retention_Tag{Tag: c.Name}
	}
	a, err := m.open(ctx, toWrite)
	if err != nil {
		return err
	}
	answer, err := a.admin.SetRetention(ctx, connect.NewRequest(&whowhenv1.SetRetentionRequest{App: m.flags.App, Rules: []*whowhenv1.Retention{rule}}))
	if err != nil {
		return err
	}
	m.warn(answer.Msg.Warnings)
	if m.flags.JSON {
		return writeJSON(m.Stdout, struct {
			retentionJSON
			Position uint64    `json:"position"`
			Warnings []warning `json:"warnings"`
		}{newRetentionJSON(rule), answer.Msg.Position, newWarnings(answer.Msg.Warnings)})
	}
	m.say("%s %q is kept %s.", strings.ToUpper(c.What[:1])+c.What[1:], c.Name, keepText(days))
	return nil
}

func parseKeep(text string) (days uint32, err error) {
	if text == "forever" {
		return 0, nil
	}
	digits, found := strings.CutSuffix(text, "d")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil || n == 0 {
		return 0, usageError("%q is not how long something is kept: give days, such as 90d, or forever.", text)
	}
	return uint32(n), nil
}

func keepText(days uint32) string {
	if days == 0 {
		return "for ever"
	}
	return "for " + plural(uint64(days), "day", "days")
}

type retentionJSON struct {
	What     string `json:"what"`
	Name     string `json:"name"`
	KeepDays uint32 `json:"keep_days"` // 0 means for ever
}

func newRetentionJSON(r *whowhenv1.Retention) retentionJSON {
	if _, tag := r.GetOf().(*whowhenv1.Retention_Tag); tag {
		return retentionJSON{"tag", r.GetTag(), r.GetKeepDays()}
	}
	return retentionJSON{"event", r.GetEvent(), r.GetKeepDays()}
}

// retentionTable lists the rules in force.
func retentionTable(rules []*whowhenv1.Retention) *table {
	t := newTable("kept", "what", "name")
	for _, r := range rules {
		rule := newRetentionJSON(r)
		t.add(fmt.Sprintf("%d d", rule.KeepDays), rule.What, rule.Name)
	}
	return t
}
