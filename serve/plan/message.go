package plan

import (
	"fmt"
	"time"
)

// Class says what a message is to the one who gets it.
type Class uint8

const (
	Marketing     Class = iota // waits for a good hour, and obeys the policy
	Transactional              // is sent now, whatever the hour and the policy
)

const (
	// MaxRangeDays bounds the time between a message's From and Until.
	MaxRangeDays = 31
	// MaxWidthMinutes bounds the width of a window.
	MaxWidthMinutes = 24 * 60
	// MaxAlternatives bounds how many alternatives an answer names.
	MaxAlternatives = 24
)

// Message is what is to be sent, as far as planning is concerned.
type Message struct {
	// Seed tells this message from others: the same seed spreads the same CIDs over a window in the same way and gives the same decision ids.
	Seed string
	// From is the first instant that a window may contain; for a transactional message it is now.
	From time.Time
	// Until is the instant before which every window ends. A transactional message may leave it zero.
	Until time.Time
	// WidthMinutes is the length of a window. 60 when it is zero.
	WidthMinutes int
	Class        Class
	// Alternatives is how many further windows to name, best first.
	Alternatives int
}

// FieldError is a fault of a message: which field, and what is wrong with it.
type FieldError struct {
	Field   string // in snake case
	Message string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// earliest and latest bound the instants that planning works with, far inside what int64 seconds and the zone database can tell.
const (
	earliestUnix = -5_364_662_400 // 1800-01-01
	latestUnix   = 7_258_118_400  // 2200-01-01
)

// check returns the message with its defaults, or a *FieldError.
func (m Message) check() (Message, error) {
	fault := func(field, format string, args ...any) (Message, error) {
		return Message{}, &FieldError{Field: field, Message: fmt.Sprintf(format, args...)}
	}
	if m.WidthMinutes == 0 {
		m.WidthMinutes = 60
	}
	if m.WidthMinutes < 1 || m.WidthMinutes > MaxWidthMinutes {
		return fault("width_minutes", "%d is not from 1 to %d", m.WidthMinutes, MaxWidthMinutes)
	}
	if m.Alternatives < 0 || m.Alternatives > MaxAlternatives {
		return fault("alternatives", "%d is not from 0 to %d", m.Alternatives, MaxAlternatives)
	}
	if m.Class > Transactional {
		return fault("class", "%d is neither marketing nor transactional", m.Class)
	}
	if u := m.From.Unix(); u < earliestUnix || u > latestUnix {
		return fault("from", "%s is not between the years 1800 and 2200", m.From.UTC().Format(time.RFC3339))
	}
	if m.Class == Transactional && m.Until.IsZero() {
		return m, nil
	}
	switch span, width := m.Until.Sub(m.From), time.Duration(m.WidthMinutes)*time.Minute; {
	case span <= 0:
		return fault("until", "%s is not after from, %s", m.Until.UTC().Format(time.RFC3339), m.From.UTC().Format(time.RFC3339))
	case span > MaxRangeDays*24*time.Hour:
		return fault("until", "it is %.1f days after from, and the most is %d", span.Hours()/24, MaxRangeDays)
	case span < width && m.Class == Marketing:
		return fault("until", "it is %s after from, which is shorter than a window of %d minutes", span, m.WidthMinutes)
	}
	return m, nil
}

// ceilUnix returns the first whole second at or after t, so that nothing is sent before t.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
