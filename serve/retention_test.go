package serve

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

func TestSetRetention(t *testing.T) {
	c := newClients(newHTTPClient(t, true), listen(t, newServer(t, Options{})))
	var records []*whowhenv1.Record
	for days, cid := range []string{"today", "yesterday", "before"} {
		records = append(records, &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: &whowhenv1.Event{
			Cid: cid, Name: "open", Time: timestamppb.New(testNow.AddDate(0, 0, -days)),
		}}})
	}
	c.write(t, &whowhenv1.WriteRequest{Records: records})
	rule := func(keepDays uint32) *whowhenv1.Retention {
		return &whowhenv1.Retention{Of: &whowhenv1.Retention_Event{Event: "open"}, KeepDays: keepDays}
	}
	set := func(m *whowhenv1.SetRetentionRequest) (uint64, error) {
		r, err := c.admin.SetRetention(t.Context(), connect.NewRequest(m))
		if err != nil {
			return 0, err
		}
		return r.Msg.Position, nil
	}
	position, err := set(&whowhenv1.SetRetentionRequest{Rules: []*whowhenv1.Retention{rule(1)}, ValidateOnly: true})
	if err != nil || c.count(t, `did("open")`, position) != 3 {
		t.Errorf("validate_only made a rule, or failed: %v", err)
	}
	position, err = set(&whowhenv1.SetRetentionRequest{Rules: []*whowhenv1.Retention{rule(2), {Of: &whowhenv1.Retention_Tag{Tag: "vip"}, KeepDays: 7}}})
	if err != nil || c.count(t, `did("open")`, position) != 2 {
		t.Errorf("kept for 2 days: %v", err)
	}
	status, err := c.admin.Status(t.Context(), connect.NewRequest(&whowhenv1.StatusRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Msg.Retentions; len(got) != 2 || got[0].GetEvent() != "open" || got[0].KeepDays != 2 || got[1].GetTag() != "vip" || got[1].KeepDays != 7 {
		t.Errorf("status has the rules %v", got)
	}
	if status.Msg.Goroutines < 5 || status.Msg.MemoryBytes < 1<<20 {
		t.Errorf("status has %d goroutines and %d bytes", status.Msg.Goroutines, status.Msg.MemoryBytes)
	}
	warned, err := c.audience.Count(t.Context(), connect.NewRequest(&whowhenv1.CountRequest{Expression: `did("open", within 30d)`}))
	if err != nil || len(warned.Msg.Warnings) != 1 || warned.Msg.Warnings[0].Reason != "BEYOND_RETENTION" {
		t.Errorf("a window beyond the retention is not warned of: %v, %v", warned, err)
	}
	r, err := c.admin.SetRetention(t.Context(), connect.NewRequest(&whowhenv1.SetRetentionRequest{Rules: []*whowhenv1.Retention{{Of: &whowhenv1.Retention_Event{Event: "opne"}, KeepDays: 3}}, ValidateOnly: true}))
	if err != nil || len(r.Msg.Warnings) != 1 || r.Msg.Warnings[0].Reason != "UNKNOWN_EVENT" || r.Msg.Warnings[0].Nearest != "open" {
		t.Errorf("a misspelt name is told %v, %v", r, err)
	}
	for name, bad := range map[string]*whowhenv1.SetRetentionRequest{
		"none":         {},
		"nameless":     {Rules: []*whowhenv1.Retention{{KeepDays: 1}}},
		"empty name":   {Rules: []*whowhenv1.Retention{{Of: &whowhenv1.Retention_Tag{}, KeepDays: 1}}},
		"long name":    {Rules: []*whowhenv1.Retention{{Of: &whowhenv1.Retention_Tag{Tag: strings.Repeat("x", 10_000)}, KeepDays: 1}}},
		"a million":    {Rules: []*whowhenv1.Retention{rule(1_000_000)}},
		"four billion": {Rules: []*whowhenv1.Retention{rule(1<<32 - 1)}},
		"too many":     {Rules: make([]*whowhenv1.Retention, 300)},
	} {
		for i := range bad.Rules {
			if bad.Rules[i] == nil {
				bad.Rules[i] = rule(1)
			}
		}
		_, err := set(bad)
		if code, info := infoOf(t, err); code != connect.CodeInvalidArgument || info.Reason != "RETENTION_INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
