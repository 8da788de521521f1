package serve

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
)

func encodeWarnings(warnings []segments.Warning) []*whowhenv1.Warning {
	encoded := make([]*whowhenv1.Warning, len(warnings))
	for i, w := range warnings {
		encoded[i] = &whowhenv1.Warning{Reason: w.Reason, Name: w.Name, Nearest: w.Nearest, Message: w.Message}
	}
	return encoded
}

// encodeClause encodes a tree, which is no deeper than expressions may be.
func encodeClause(c *segments.Clause) *whowhenv1.Clause {
	if c == nil {
		return nil
	}
	clause := &whowhenv1.Clause{
		Expression: c.Expression, Count: c.Count, RunningCount: c.Running, Holds: c.Holds, Evidence: encodeEvidence(c.Evidence),
	}
	for _, sub := range c.Clauses {
		clause.Clauses = append(clause.Clauses, encodeClause(sub))
	}
	return clause
}

func encodeEvidence(e *segments.Evidence) *whowhenv1.Evidence {
	if e == nil {
		return nil
	}
	evidence := &whowhenv1.Evidence{Summary: e.Summary, Value: encodeValue(e.Value), ExpiresAt: encodeTime(e.ExpiresAt)}
	if b := e.Behaviour; b != nil {
		evidence.Count, evidence.Days = proto.Uint64(b.Count), proto.Uint64(b.Days)
		evidence.First, evidence.Last = encodeTime(b.First), encodeTime(b.Last)
		if b.Sum != "" {
			evidence.Sum = proto.String(b.Sum)
		}
	}
	return evidence
}

// encodeTime returns nil for the zero time.
func encodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// encodeValue returns nil for an absent value.
func encodeValue(v value.Value) *whowhenv1.Value {
	switch v.Kind {
	case value.String:
		return &whowhenv1.Value{Kind: &whowhenv1.Value_String_{String_: v.Str}}
	case value.Number:
		// A double when that gives the same number back, digits otherwise.
		if back, err := value.FromFloat(v.Num.Float()); err != nil || back != v.Num {
			return &whowhenv1.Value{Kind: &whowhenv1.Value_Decimal{Decimal: v.Num.String()}}
		}
		return &whowhenv1.Value{Kind: &whowhenv1.Value_Number{Number: v.Num.Float()}}
	case value.Bool:
		return &whowhenv1.Value{Kind: &whowhenv1.Value_Bool{Bool: v.Bool}}
	case value.Time:
		return &whowhenv1.Value{Kind: &whowhenv1.Value_Time{Time: timestamppb.New(time.UnixMilli(v.Millis))}}
	case value.List:
		return &whowhenv1.Value{Kind: &whowhenv1.Value_List{List: &whowhenv1.StringList{Values: v.List}}}
	}
	return nil
}
