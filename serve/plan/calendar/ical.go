package calendar

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ReadICal reads a calendar from an iCalendar file (RFC 5545): its all-day events, from DTSTART up to but not including DTEND, or of the days of
// DURATION, otherwise of one day; named by SUMMARY. They are of one place, empty for everywhere. CATEGORIES may name a kind: holiday, which is
// also what an event without one is, working, season or none. Cancelled events are left out. RRULE may repeat an event yearly (FREQ=YEARLY with
// INTERVAL, COUNT or UNTIL), up to the year 2099; EXDATE leaves days out.
//
// What would change the days and is not understood is a fault, not left out: a time of day, another RRULE, RDATE. A fault is a *FileError.
func ReadICal(name, place string, from io.Reader) (*Calendar, error) {
	fault := func(line int, err error) (*Calendar, error) { return nil, &FileError{name, line, err} }
	if place != "" {
		if err := CheckPlace(place); err != nil {
			return fault(0, err)
		}
	}
	text, err := readAll(from)
	if err != nil {
		return fault(0, err)
	}
	var rows []Row
	var within []string // the components that are open
	var e event
	seen := false
	for l := range unfold(string(text)) {
		p, err := parseProperty(l.text)
		if err != nil {
			return fault(l.number, err)
		}
		if !seen {
			if p.name != "BEGIN" || !strings.EqualFold(p.value, "VCALENDAR") {
				return fault(l.number, errors.New("an iCalendar file begins with BEGIN:VCALENDAR"))
			}
			seen = true
		}
		switch {
		case p.name == "BEGIN":
			const deepest = 8
			if len(within) == deepest {
				return fault(l.number, fmt.Errorf("components are nested more than %d deep", deepest))
			}
			within = append(within, strings.ToUpper(p.value))
			if len(within) == 2 && within[1] == "VEVENT" {
				e = event{line: l.number, days: 1}
			}
		case p.name == "END":
			if len(within) == 0 || !strings.EqualFold(within[len(within)-1], p.value) {
				return fault(l.number, fmt.Errorf("END:%.40s has no BEGIN", p.value))
			}
			if len(within) == 2 && within[1] == "VEVENT" {
				if rows, err = e.appendRows(rows, place); err != nil {
					return fault(e.line, err)
				}
			}
			within = within[:len(within)-1]
		case len(within) == 2 && within[1] == "VEVENT":
			if err := e.set(p); err != nil {
				return fault(l.number, err)
			}
		}
	}
	switch {
	case !seen:
		return fault(0, errors.New("the file is empty; an iCalendar file begins with BEGIN:VCALENDAR"))
	case len(within) > 0:
		return fault(0, fmt.Errorf("the file ends before END:%.40s", within[len(within)-1]))
	}
	c, err := New(name, rows)
	if err != nil {
		return fault(0, err)
	}
	return c, nil
}

type event struct {
	line      int
	start     Date
	end       Date
	days      Date
	started   bool
	ended     bool
	kind      Kind
	kindSet   bool
	cancelled bool
	name      string
	repeat    repeat
	except    map[Date]bool
}

func (e *event) set(p property) error {
	var err error
	switch p.name {
	case "DTSTART":
		e.start, err = p.day(p.value)
		e.started = true
	case "DTEND":
		e.end, err = p.day(p.value)
		e.ended = true
	case "DURATION":
		e.days, err = parseDuration(p.value)
	case "SUMMARY":
		e.name = clip(unescape(p.value))
	case "STATUS":
		e.cancelled = strings.EqualFold(p.value, "CANCELLED")
	case "CATEGORIES":
		for word := range strings.SplitSeq(p.value, ",") {
			if kind, err := parseKind(strings.TrimSpace(word)); err == nil {
				e.kind, e.kindSet = kind, true
			}
		}
	case "RRULE":
		e.repeat, err = parseRepeat(p)
	case "EXDATE":
		for word := range strings.SplitSeq(p.value, ",") {
			day, err := p.day(word)
			if err != nil {
				return fmt.Errorf("EXDATE: %w", err)
			}
			if e.except == nil {
				e.except = map[Date]bool{}
			}
			e.except[day] = true
		}
	case "RDATE":
		err = errors.New("is not supported: write an event for each day")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// lastRepeatYear is where repetition without an end stops.
const lastRepeatYear = 2099

func (e *event) appendRows(rows []Row, place string) ([]Row, error) {
	if e.cancelled {
		return rows, nil
	}
	if !e.started {
		return nil, errors.New("the event has no DTSTART")
	}
	if e.ended {
		e.days = max(1, e.end-e.start) // an end on the same day is that day, as many programs write it
		if e.end < e.start {
			return nil, fmt.Errorf("DTEND %s is before DTSTART %s", e.end, e.start)
		}
	}
	kind := Holiday
	if e.kindSet {
		kind = e.kind
	}
	year, month, day := e.start.Civil()
	for n := 0; n == 0 || e.repeat.interval > 0 && (e.repeat.count == 0 || n < e.repeat.count); {
		first := DateOf(year, month, day)
		if n > 0 && (year > lastRepeatYear || e.repeat.until != 0 && first > e.repeat.until) {
			break
		}
		if _, m, _ := first.Civil(); m == month { // 29 February comes in leap years only
			n++
			if !e.except[first] {
				row := Row{Place: place, First: first, Last: first + e.days - 1, Kind: kind, Name: e.name}
				if err := row.check(); err != nil {
					return nil, err
				}
				if len(rows) == maxRows {
					return nil, fmt.Errorf("a calendar has at most %d days and rows", maxRows)
				}
				rows = append(rows, row)
			}
		}
		if e.repeat.interval == 0 {
			break
		}
		year += e.repeat.interval
	}
	return rows, nil
}

// repeat is a yearly repetition; an interval of 0 is none.
type repeat struct {
	interval int // years
	count    int // 0 is without end
	until    Date
}

func parseRepeat(p property) (repeat, error) {
	var r repeat
	yearly := false
	for part := range strings.SplitSeq(p.value, ";") {
		key, value, _ := strings.Cut(part, "=")
		number := func() (int, error) {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 10_000 {
				return 0, fmt.Errorf("%s=%.40s is not from 1 to 10000", key, value)
			}
			return n, nil
		}
		var err error
		switch strings.ToUpper(key) {
		case "FREQ":
			yearly = strings.EqualFold(value, "YEARLY")
		case "INTERVAL":
			r.interval, err = number()
		case "COUNT":
			r.count, err = number()
		case "UNTIL":
			if len(value) > 8 {
				value = value[:8] // it may have a time, which says nothing about a day
			}
			r.until, err = parseDate("20060102", value, "20260301")
		case "WKST":
		default:
			err = fmt.Errorf("%.40s is not supported: only FREQ=YEARLY with INTERVAL, COUNT or UNTIL is; write an event for each day", part)
		}
		if err != nil {
			return repeat{}, err
		}
	}
	if !yearly {
		return repeat{}, errors.New("only FREQ=YEARLY is supported; write an event for each day")
	}
	r.interval = max(1, r.interval)
	return r, nil
}
