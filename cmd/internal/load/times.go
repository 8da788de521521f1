package load

import (
	"math/bits"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// timeReader reads the times of a run. It is for one goroutine.
type timeReader struct {
	zone   *localZone
	layout *timeLayout // the only format, when not nil
	unit   string      // of times that are numbers; "" when there are none

	memoText []byte // the last text read, as neighbours often have the same time
	memo     moment
}

// moment is a time as a cell tells it.
type moment struct {
	millis int64 // since 1970
	// offsetMinutes is what the text says a clock was ahead of UTC, batch.NoOffset when it says nothing. Z says nothing: that is how machines everywhere write
	// down moments.
	offsetMinutes int32
}

func (m moment) hasOffset() bool { return m.offsetMinutes != batch.NoOffset }

func momentAt(millis int64) moment { return moment{millis, batch.NoOffset} }

// zonedMoment is one with an offset in its text.
func zonedMoment(millis, offsetSeconds int64) moment {
	m := momentAt(millis)
	if minutes := offsetSeconds / 60; offsetSeconds%60 == 0 && max(minutes, -minutes) <= batch.MaxOffsetMinutes {
		m.offsetMinutes = int32(minutes)
	}
	return m
}

// read returns the moment that a cell tells, or what is wrong with it.
func (t *timeReader) read(c cell) (m moment, problem string) {
	if c.kind != cellText && c.kind != cellString && c.kind != cellNumber {
		return m, "is not a time"
	}
	if len(t.memoText) > 0 && string(t.memoText) == string(c.text) {
		return t.memo, ""
	}
	m, problem = t.parse(c.text)
	if problem == "" {
		t.memoText, t.memo = append(t.memoText[:0], c.text...), m
	}
	return m, problem
}

func (t *timeReader) parse(text []byte) (m moment, problem string) {
	if t.layout != nil {
		return t.layout.parse(string(text), t.zone)
	}
	if m, ok := parseClock(text, t.zone); ok {
		return m, ""
	}
	number, err := parseNumber(text)
	switch {
	case err != nil:
		return m, "is not a time such as 2006-01-02T15:04:05Z, 2006-01-02 15:04:05 or 2006-01-02; say how it is written with --time-format"
	case t.unit == "":
		return m, "is a number: say with --time-unit whether it counts s, ms or us"
	}
	millis, ok := scaleTime(number, t.unit)
	if !ok {
		return m, "is out of range for a time in " + t.unit
	}
	return momentAt(millis), ""
}

// scaleTime returns a number of units in milliseconds, rounded down.
func scaleTime(n value.Decimal, unit string) (int64, bool) {
	shift := 3 // from seconds
	switch unit {
	case "ms":
		shift = 0
	case "us":
		shift = -3
	}
	shift -= int(n.Scale)
	if shift >= 0 {
		hi, lo := bits.Mul64(uint64(max(n.Coef, -n.Coef)), value.Pow10(shift))
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		if n.Coef < 0 {
			return -int64(lo), true
		}
		return int64(lo), true
	}
	if shift < -18 {
		n.Coef, shift = floorDiv(n.Coef, 1000), shift+3
	}
	return floorDiv(n.Coef, int64(value.Pow10(-shift))), true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// parseClock reads RFC 3339 with T or a blank, and the same without offset or
// without time of day as local time.
func parseClock(text []byte, zone *localZone) (m moment, ok bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return m, false
	}
	year, ok1 := number2(text[0:2])
	century := year
	year, ok2 := number2(text[2:4])
	year += 100 * century
	month, ok3 := number2(text[5:7])
	day, ok4 := number2(text[8:10])
	if !ok1 || !ok2 || !ok3 || !ok4 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return m, false
	}
	seconds := daysSince1970(year, month, day) * 86400
	if len(text) == 10 {
		return momentAt(zone.unix(seconds) * 1000), true
	}
	if len(text) < 19 || text[10] != ' ' && text[10]|0x20 != 't' || text[13] != ':' || text[16] != ':' {
		return m, false
	}
	hour, ok1 := number2(text[11:13])
	minute, ok2 := number2(text[14:16])
	second, ok3 := number2(text[17:19])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return m, false
	}
	seconds += hour*3600 + minute*60 + second
	rest := text[19:]
	fraction := int64(0)
	if len(rest) > 0 && rest[0] == '.' {
		n := digits(rest[1:])
		if n == 0 {
			return m, false
		}
		for i := 1; i <= 3; i++ {
			fraction *= 10
			if i <= n {
				fraction += int64(rest[i] - '0')
			}
		}
		rest = rest[1+n:]
	}
	switch {
	case len(rest) == 0:
		return momentAt(zone.unix(seconds)*1000 + fraction), true
	case len(rest) == 1 && rest[0]|0x20 == 'z':
		return momentAt(seconds*1000 + fraction), true
	case len(rest) == 6 && rest[3] == ':' && (rest[0] == '+' || rest[0] == '-'):
		hours, ok1 := number2(rest[1:3])
		minutes, ok2 := number2(rest[4:6])
		if !ok1 || !ok2 || hours > 23 || minutes > 59 {
			return m, false
		}
		offset := hours*3600 + minutes*60
		if rest[0] == '-' {
			if offset == 0 { // by RFC 3339 a moment whose clock is not known
				return momentAt(seconds*1000 + fraction), true
			}
			offset = -offset
		}
		return zonedMoment((seconds-offset)*1000+fraction, offset), true
	}
	return m, false
}

func number2(text []byte) (int64, bool) {
	tens, ones := text[0]-'0', text[1]-'0'
	return int64(tens)*10 + int64(ones), tens <= 9 && ones <= 9
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts with years that begin in March, so that the leap day is the last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	// 1970-01-01 is day 719468 counted from 0000-03-01.
	return year*365 + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + (153*(month-3)+2)/5 + day - 1 - 719468
}

// localDay returns the day of a moment in a zone, counted from 1970-01-01.
func localDay(millis int64, zone *time.Location) int64 {
	t := time.UnixMilli(millis).In(zone)
	_, offset := t.Zone()
	return floorDiv(t.Unix()+int64(offset), 86400)
}
