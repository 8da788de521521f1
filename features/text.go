package features

import (
	"strconv"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/value"
)

// anything stands unquoted where an event is named, and around before what a typical is brought towards.
const anything, around = "anything", "around"

// String returns the canonical text, which Parse reads.
func (c Column) String() string {
	if c.Family == Tenure {
		return c.Family.String()
	}
	args := []string{value.Quote(c.Name)}
	switch {
	case c.Anything:
		args[0] = anything
	case c.ofProperty() && strings.Contains(c.Property, "."):
		args = append(args, value.Quote(c.Property)) // the last dot does not separate the two
	case c.ofProperty():
		args[0] = value.Quote(c.Name + "." + c.Property)
	case c.Family == Rate:
		args = append(args, value.Quote(c.Per))
	}
	if c.spans() {
		args = append(args, days(c.SpanDays))
	}
	if c.Family == Typical {
		args = append(args, around+" "+plainNumber(c.Around))
	}
	switch {
	case c.Family == Trend:
		args = append(args, days(c.WindowDays), days(c.LongDays))
	case c.Scaled:
		args = append(args, "per "+days(c.WindowDays)+" since "+dateOf(c.SinceDay))
	case c.WindowDays > 0:
		args = append(args, "within "+days(c.WindowDays))
	}
	return c.Family.String() + "(" + strings.Join(args, ", ") + ")"
}

// MarshalText returns the canonical text.
func (c Column) MarshalText() ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads a text as Parse does.
func (c *Column) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// plainNumber returns the shortest decimal digits that read back as v, without exponent. A negative zero is 0, which it equals.
func plainNumber(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func days(n int) string { return strconv.Itoa(n) + "d" }

const daySeconds = 86_400

func dateOf(day int32) string { return time.Unix(int64(day)*daySeconds, 0).UTC().Format(time.DateOnly) }
