package batch

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/value"
)

// Limits on one record. They bound what a hostile record can cost and are far
// above what real ones need.
const (
	MaxNameBytes     = 256  // of tags, attributes, events and properties
	MaxEventIDBytes  = 128  // of event ids
	MaxStringBytes   = 4096 // of a string value and of a list's element
	MaxListItems     = 256  // of a list value
	MaxColumns       = 256  // properties of an event, attributes of a profile change
	MaxOffsetMinutes = 18 * 60
	// MaxAhead is how far ahead of the clock a record's time may lie: clocks of
	// phones are off by hours, hardly ever by more.
	MaxAhead = 24 * time.Hour
)

// MaxMillis is the latest moment that is kept, the end of the year 2105.
const MaxMillis = 4291747200000 - 1

func (b *Builder) checkTime(field string, millis int64) *Reject {
	switch {
	case millis == NoTime:
		return nil
	case millis < 0:
		return &Reject{Field: field, Reason: "TIME_OUT_OF_RANGE", Message: "times before 1970 are not taken"}
	case millis > b.latestMillis:
		return &Reject{Field: field, Reason: "TIME_IN_FUTURE", Message: fmt.Sprintf("%s is more than a day ahead of the clock", value.Value{Kind: value.Time, Millis: min(millis, 253402300799000)})}
	}
	return nil
}

func checkCID(cid string) *Reject {
	reason := checkName(cid, MaxCIDBytes)
	if reason == "" {
		return nil
	}
	messages := map[string]string{
		"EMPTY":             "the CID is empty",
		"TOO_LONG":          fmt.Sprintf("the CID has %d bytes, at most %d are taken", len(cid), MaxCIDBytes),
		"CONTROL_CHARACTER": fmt.Sprintf("the CID %.40q holds a control character", cid),
		"NOT_UTF8":          fmt.Sprintf("the CID %.40q is not UTF-8", cid),
	}
	return &Reject{Field: "cid", Reason: "CID_" + reason, Message: messages[reason]}
}

// CheckName says what is wrong with the name of a tag, attribute, event or property, or returns "".
func CheckName(name string) string {
	if r := checkNamed("", "", name); r != nil {
		return r.Message
	}
	return ""
}

func checkNamed(field, prefix, name string) *Reject {
	reason := checkName(name, MaxNameBytes)
	if reason == "" {
		return nil
	}
	messages := map[string]string{
		"EMPTY":             "the name is empty",
		"TOO_LONG":          fmt.Sprintf("the name has %d bytes, at most %d are taken", len(name), MaxNameBytes),
		"CONTROL_CHARACTER": fmt.Sprintf("the name %.40q holds a control character", name),
		"NOT_UTF8":          fmt.Sprintf("the name %.40q is not UTF-8", name),
	}
	return &Reject{Field: field, Reason: prefix + "_" + reason, Message: messages[reason]}
}

func (b *Builder) checkEvent(e Event) *Reject {
	if r := checkCID(e.CID); r != nil {
		return r
	}
	if r := checkNamed("name", "EVENT", e.Name); r != nil {
		return r
	}
	if r := b.checkTime("time", e.TimeMillis); r != nil {
		return r
	}
	if r := checkOffset(e.OffsetMinutes); r != nil {
		return r
	}
	if r := checkEventID(e.ID); r != nil {
		return r
	}
	return checkValues("properties", e.Properties)
}

func checkOffset(minutes int64) *Reject {
	if minutes != NoOffset && (minutes < -MaxOffsetMinutes || minutes > MaxOffsetMinutes) {
		return &Reject{Field: "utc_offset_minutes", Reason: "OFFSET_OUT_OF_RANGE", Message: fmt.Sprintf("a UTC offset of %d minutes is more than 18 hours", minutes)}
	}
	return nil
}

func checkEventID(id string) *Reject {
	if reason := checkName(id, MaxEventIDBytes); id != "" && reason != "" {
		return &Reject{Field: "event_id", Reason: "EVENT_ID_" + reason, Message: fmt.Sprintf("the event id %.40q must be UTF-8 of at most %d bytes without control characters", id, MaxEventIDBytes)}
	}
	return nil
}

func (b *Builder) checkProfile(p ProfileChange) *Reject {
	if r := checkCID(p.CID); r != nil {
		return r
	}
	if r := b.checkTime("time", p.TimeMillis); r != nil {
		return r
	}
	if r := checkValues("set", p.Set); r != nil {
		return r
	}
	if len(p.Set)+len(p.Unset) > MaxColumns {
		return &Reject{Field: "unset", Reason: "TOO_MANY_VALUES", Message: fmt.Sprintf("%d attributes, at most %d are taken", len(p.Set)+len(p.Unset), MaxColumns)}
	}
	for _, name := range p.Unset {
		if r := checkNamed("unset", "NAME", name); r != nil {
			return r
		}
		for _, n := range p.Set {
			if n.Name == name {
				return &Reject{Field: "unset", Reason: "SET_AND_UNSET", Message: fmt.Sprintf("%q is both set and unset", name)}
			}
		}
	}
	return nil
}

func checkValues(field string, values []Named) *Reject {
	if len(values) > MaxColumns {
		return &Reject{Field: field, Reason: "TOO_MANY_VALUES", Message: fmt.Sprintf("%d values, at most %d are taken", len(values), MaxColumns)}
	}
	for i, n := range values {
		for _, earlier := range values[:i] {
			if earlier.Name == n.Name {
				return &Reject{Field: field + "." + n.Name, Reason: "NAME_TWICE", Message: fmt.Sprintf("%q has two values", n.Name)}
			}
		}
		if r := checkNamed(field, "NAME", n.Name); r != nil {
			return r
		}
		if reason, message := CheckValue(n.Value); reason != "" {
			return &Reject{Field: field + "." + n.Name, Reason: reason, Message: message}
		}
	}
	return nil
}

// CheckValue says why a value is not taken: a stable word and a sentence, or "".
func CheckValue(v value.Value) (reason, message string) {
	switch v.Kind {
	case value.String:
		return checkText(v.Str)
	case value.List:
		if len(v.List) > MaxListItems {
			return "LIST_TOO_LONG", fmt.Sprintf("the list has %d items, at most %d are taken", len(v.List), MaxListItems)
		}
		for _, s := range v.List {
			if reason, message = checkText(s); reason != "" {
				return reason, message
			}
		}
	case value.Number:
		if v.Num.Coef == math.MinInt64 || v.Num.Scale > value.MaxScale {
			return "NUMBER_OUT_OF_RANGE", value.ErrRange.Error()
		}
	case value.Bool, value.Time, value.Absent:
	default:
		return "VALUE_KIND", "this kind of value is not taken"
	}
	return "", ""
}

func checkText(s string) (reason, message string) {
	if len(s) > MaxStringBytes {
		return "STRING_TOO_LONG", fmt.Sprintf("the string has %d bytes, at most %d are taken", len(s), MaxStringBytes)
	}
	if !utf8.ValidString(s) {
		return "STRING_NOT_UTF8", fmt.Sprintf("%.40q is not UTF-8", s)
	}
	return "", ""
}
