package load

import (
	"fmt"
	"strings"
	"time"
)

// timeLayout is a format of times that the caller gives.
type timeLayout struct {
	layout string // of package time
	zoned  bool   // whether it has an offset, so that the zone is not asked
}

// newTimeLayout reads a strftime format, or a layout of package time when there is no % in it.
func newTimeLayout(format string) (*timeLayout, error) {
	layout := format
	if strings.Contains(format, "%") {
		var err error
		if layout, err = fromStrftime(format); err != nil {
			return nil, err
		}
	}
	if strings.Contains(layout, "MST") {
		return nil, fmt.Errorf("the format %q holds the abbreviation of a zone, which does not say which zone is meant", format)
	}
	// A format that loses the date would put all rows on one day.
	reference := time.Date(2019, time.November, 23, 17, 48, 0, 0, time.UTC)
	back, err := time.Parse(layout, reference.Format(layout))
	if err != nil || back.Format(time.DateOnly) != reference.Format(time.DateOnly) {
		return nil, fmt.Errorf("the format %q does not hold year, month and day", format)
	}
	zoned := reference.Format(layout) != reference.In(time.FixedZone("", 3600)).Add(-time.Hour).Format(layout)
	return &timeLayout{layout: layout, zoned: zoned}, nil
}

func (l *timeLayout) parse(text string, zone *localZone) (m moment, problem string) {
	t, err := time.Parse(l.layout, text)
	if err != nil {
		return m, "is not a time in the given --time-format"
	}
	if l.zoned {
		if t.Location() == time.UTC { // of Z; +00:00 gives another Location
			return momentAt(t.UnixMilli()), ""
		}
		_, offset := t.Zone()
		return zonedMoment(t.UnixMilli(), int64(offset)), ""
	}
	return momentAt(zone.unix(t.Unix())*1000 + int64(t.Nanosecond())/1e6), ""
}

// fromStrftime translates a strftime format to a layout of package time.
func fromStrftime(format string) (string, error) {
	var b strings.Builder
	for rest := format; rest != ""; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			i = len(rest)
		}
		literal := rest[:i]
		rest = rest[i:]
		if strings.ContainsAny(literal, "0123456789") {
			return "", fmt.Errorf("the time format %q holds digits outside of its %% elements", format)
		}
		if probe := time.Date(2019, time.November, 23, 17, 48, 0, 0, time.UTC); probe.Format(literal) != literal {
			return "", fmt.Errorf("the time format %q holds %q, which cannot stand there", format, literal)
		}
		if strings.HasSuffix(literal, ".") && strings.HasPrefix(rest, "%f") {
			b.WriteString(literal + "999999999")
			rest = rest[2:]
			continue
		}
		b.WriteString(literal)
		if rest == "" {
			break
		}
		element, size := strftimeElement(rest)
		if size == 0 {
			return "", fmt.Errorf("the time format %q holds %q, which is not known: use %%Y %%y %%m %%d %%e %%b %%B %%a %%A %%j %%H %%I %%p %%M %%S .%%f %%z %%F %%T %%R %%D %%%%", format, clip(rest))
		}
		b.WriteString(element)
		rest = rest[size:]
	}
	return b.String(), nil
}

func strftimeElement(text string) (layout string, size int) {
	for _, e := range [...]struct{ element, layout string }{
		{"%Y", "2006"}, {"%y", "06"}, {"%m", "01"}, {"%-m", "1"}, {"%d", "02"}, {"%-d", "2"}, {"%e", "_2"},
		{"%b", "Jan"}, {"%h", "Jan"}, {"%B", "January"}, {"%a", "Mon"}, {"%A", "Monday"}, {"%j", "002"},
		{"%H", "15"}, {"%-H", "15"}, {"%I", "03"}, {"%-I", "3"}, {"%p", "PM"}, {"%M", "04"}, {"%-M", "4"}, {"%S", "05"}, {"%-S", "5"},
		{"%z", "-0700"}, {"%:z", "-07:00"}, {"%F", "2006-01-02"}, {"%T", "15:04:05"}, {"%R", "15:04"}, {"%D", "01/02/06"}, {"%%", "%"},
	} {
		if strings.HasPrefix(text, e.element) {
			return e.layout, len(e.element)
		}
	}
	return "", 0
}
