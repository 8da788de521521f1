package main

import (
	"encoding/json"
	"strconv"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

type countedClause struct {
	Expression   string          `json:"expression"`
	Count        uint64          `json:"count"`
	RunningCount uint64          `json:"running_count"`
	Clauses      []countedClause `json:"clauses"`
}

type judgedClause struct {
	Expression string         `json:"expression"`
	Holds      bool           `json:"holds"`
	Evidence   *evidenceJSON  `json:"evidence"`
	Clauses    []judgedClause `json:"clauses"`
}

type evidenceJSON struct {
	Summary   string      `json:"summary"`
	Count     *uint64     `json:"count,omitempty"`
	Days      *uint64     `json:"days,omitempty"`
	Sum       json.Number `json:"sum,omitempty"`
	First     *string     `json:"first,omitempty"`
	Last      *string     `json:"last,omitempty"`
	Value     any         `json:"value,omitempty"`
	ExpiresAt *string     `json:"expires_at,omitempty"`
}

// explainJSON is what --json prints: counts without a CID, evidence with one.
func explainJSON(r *whowhenv1.ExplainResponse, cid string) any {
	about := newAnswered(r.AsOf, r.Position, r.Warnings)
	if cid == "" {
		return struct {
			Root countedClause `json:"root"`
			answered
		}{newCountedClause(r.Root), about}
	}
	return struct {
		CID        string       `json:"cid"`
		CIDKnown   bool         `json:"cid_known"`
		Contained  bool         `json:"contained"`
		FirstHeard *string      `json:"first_heard"`
		Root       judgedClause `json:"root"`
		answered
	}{cid, r.CidKnown, r.Contained, optionalStamp(r.FirstHeard), newJudgedClause(r.Root), about}
}

func newCountedClause(c *whowhenv1.Clause) countedClause {
	out := countedClause{c.GetExpression(), c.GetCount(), c.GetRunningCount(), []countedClause{}}
	for _, child := range c.GetClauses() {
		out.Clauses = append(out.Clauses, newCountedClause(child))
	}
	return out
}

func newJudgedClause(c *whowhenv1.Clause) judgedClause {
	out := judgedClause{Expression: c.GetExpression(), Holds: c.GetHolds(), Clauses: []judgedClause{}}
	if e := c.GetEvidence(); e != nil {
		out.Evidence = &evidenceJSON{
			Summary: e.Summary, Count: e.Count, Days: e.Days, Sum: json.Number(e.GetSum()),
			First: optionalStamp(e.First), Last: optionalStamp(e.Last), Value: plainValue(e.Value), ExpiresAt: optionalStamp(e.ExpiresAt),
		}
	}
	for _, child := range c.GetClauses() {
		out.Clauses = append(out.Clauses, newJudgedClause(child))
	}
	return out
}

// plainValue returns a value as JSON writes it, nil when there is none.
func plainValue(v *whowhenv1.Value) any {
	switch k := v.GetKind().(type) {
	case *whowhenv1.Value_String_:
		return k.String_
	case *whowhenv1.Value_Number:
		return json.Number(strconv.FormatFloat(k.Number, 'f', -1, 64))
	case *whowhenv1.Value_Decimal:
		return json.Number(k.Decimal)
	case *whowhenv1.Value_Bool:
		return k.Bool
	case *whowhenv1.Value_Time:
		return stamp(k.Time)
	case *whowhenv1.Value_List:
		return k.List.GetValues()
	}
	return nil
}
