package plan

import (
	"fmt"
	"strings"
	"time"
)

// parseClockSpan reads a span as in 22:00-08:00. One that ends no later than it starts ends on the next day; 00:00-24:00 is the whole day.
func parseClockSpan(s string) (clockSpan, error) {
	from, to, ok := strings.Cut(s, "-")
	start, startOK := parseClock(from)
	end, endOK := parseClock(to)
	switch {
	case !ok || !startOK || !endOK || start == minutesOfDay:
		return clockSpan{}, fmt.Errorf("%.40q is no span of hours; write it as in 22:00-08:00", s)
	case start == end:
		return clockSpan{}, fmt.Errorf("%q is empty; the whole day is 00:00-24:00", s)
	case end < start:
		end += minutesOfDay
	}
	return clockSpan{start, end}, nil
}

const minutesOfDay = 24 * 60

// parseClock reads a time as in 08:30, in minutes since midnight; 24:00 is the end of the day.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	at := hour*60 + minute
	return at, minute < 60 && at <= minutesOfDay
}

var weekdayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseWeekday reads a day as in mon or Monday.
func parseWeekday(s string) (time.Weekday, error) {
	for d, name := range weekdayNames {
		if strings.EqualFold(s, name) || strings.EqualFold(s, time.Weekday(d).String()) {
			return time.Weekday(d), nil
		}
	}
	return 0, fmt.Errorf("%.40q is no day of the week; they are mon, tue, wed, thu, fri, sat and sun", s)
}
