package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/serve/plan/calendar"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDatesAreThoseOfTheTimePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(1900, 1, 1+rapid.IntRange(0, 109_000).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		d, err := calendar.ParseDate(at.Format(time.DateOnly))
		if err != nil {
			t.Fatal(err)
		}
		if d != calendar.DateOf(at.Date()) || d.Weekday() != at.Weekday() || d.String() != at.Format(time.DateOnly) {
			t.Fatalf("%s became %s, a %s", at, d, d.Weekday())
		}
		if next := at.AddDate(0, 0, 1); calendar.DateOf(next.Date()) != d+1 {
			t.Fatalf("the day after %s is not the next", d)
		}
	})
}

func TestRowsOfAPlaceComeBeforeThoseOfItsCountryAndOfEverywhere(t *testing.T) {
	c, err := calendar.ReadCSV("x", strings.NewReader(`date,last,country,kind,name
2026-01-01,,,,New Year
2026-01-01,,CN,working,
2026-03-01,2026-03-30,,season,Fast
2026-03-01,,ID,none,
2026-04-06,,GB,,Easter Monday
2026-04-06,,GB-SCT,none,
2026-05-01,,,,first
2026-05-01,,,,second
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		place, date string
		kind        calendar.Kind
		name        string
		none        bool
	}{
		{"", "2026-01-01", calendar.Holiday, "New Year", false},
		{"DE", "2026-01-01", calendar.Holiday, "New Year", false},
		{"CN", "2026-01-01", calendar.Working, "", false},
		{"CN-BJ", "2026-01-01", calendar.Working, "", false},
		{"ID", "2026-03-01", calendar.None, "", false},
		{"ID", "2026-03-02", calendar.Season, "Fast", false},
		{"ID", "2026-03-30", calendar.Season, "Fast", false},
		{"ID", "2026-03-31", calendar.None, "", true},
		{"GB", "2026-04-06", calendar.Holiday, "Easter Monday", false},
		{"GB-WLS", "2026-04-06", calendar.Holiday, "Easter Monday", false},
		{"GB-SCT", "2026-04-06", calendar.None, "", false},
		{"FR", "2026-04-06", calendar.None, "", true},
		{"FR", "2026-05-01", calendar.Holiday, "second", false},
	} {
		row, ok := c.On(test.place, day(t, test.date))
		if ok == test.none || row.Kind != test.kind || row.Name != test.name {
			t.Errorf("%s in %q is %v %q, found %t", test.date, test.place, row.Kind, row.Name, ok)
		}
	}
	if diff := cmp.Diff([]string{"CN", "GB", "GB-SCT", "ID"}, c.Places()); diff != "" {
		t.Error(diff)
	}
}

func TestICalendar(t *testing.T) {
	text := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260101
DTEND;VALUE=DATE:20260102
SUMMARY:New\, bright
  Year
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260214
DTEND;VALUE=DATE:20260217
SUMMARY;LANGUAGE="a:b":Three days
BEGIN:VALARM
TRIGGER:-PT10M
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20240229
RRULE:FREQ=YEARLY;UNTIL=20321231T235959Z
SUMMARY:Leap
EXDATE;VALUE=DATE:20280229
END:VEVENT
BEGIN:VEVENT
DTSTART:20260606
DURATION:P1W
CATEGORIES:Public,Working
SUMMARY:Week
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260707
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	c, err := calendar.ReadICal("fr", "FR", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range c.Rows() {
		got = append(got, strings.Join([]string{r.Place, r.First.String(), r.Last.String(), r.Kind.String(), r.Name}, "|"))
	}
	want := []string{
		"FR|2026-01-01|2026-01-01|holiday|New, bright Year",
		"FR|2026-02-14|2026-02-16|holiday|Three days",
		"FR|2024-02-29|2024-02-29|holiday|Leap",
		"FR|2032-02-29|2032-02-29|holiday|Leap",
		"FR|2026-06-06|2026-06-12|working|Week",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsSayWhereAndWhat(t *testing.T) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	for _, test := range []struct{ format, text, want string }{
		{"csv", "", `calendar x: the file is empty; its first line names its columns, as in date,country,name`},
		{"csv", "date,colour\n", `calendar x: line 1: there is no column "colour"; the columns are date, last, country, kind, name, estimated`},
		{"csv", "date,date\n", `calendar x: line 1: the column date is named twice`},
		{"csv", "country\nID\n", `calendar x: line 1: there is no column date`},
		{"csv", "# about\ndate\n2026-02-30\n", `calendar x: line 3: date: "2026-02-30" is no day; write it as in 2026-03-01`},
		{"csv", "date,country\n2026-02-03,ID\n2026-02-03,Indonesia\n", `calendar x: line 3: "Indonesia" is no place; write a country as in GB, or with a subdivision as in GB-SCT`},
		{"csv", "date,kind\n2026-02-03,feast\n", `calendar x: line 2: kind: "feast" is no kind of day; the kinds are none, holiday, working, season`},
		{"csv", "date,last\n2026-02-03,2026-02-01\n", `calendar x: line 2: the last day 2026-02-01 is before the first, 2026-02-03`},
		{"csv", "date,last\n2026-02-03,2029-02-01\n", `calendar x: line 2: 2026-02-03 to 2029-02-01 is more than 400 days`},
		{"csv", "date,estimated\n2026-02-03,maybe\n", `calendar x: line 2: estimated: "maybe" is neither true nor false`},
		{"csv", "date,name\n2026-02-03\n", `calendar x: line 2: wrong number of fields`},
		{"csv", "date,name\n2026-02-03,\"a\n", `calendar x: line 2: extraneous or missing " in quoted-field`},
		{"csv", "date\n0026-02-03\n", `calendar x: line 2: date: 0026-02-03 is not in the years 1900 to 2199`},
		{"csv", "date\n\xff\n", `calendar x: the file is not UTF-8`},
		{"ics", "", `calendar x: the file is empty; an iCalendar file begins with BEGIN:VCALENDAR`},
		{"ics", "date,name\n", `calendar x: line 1: "date,name" is no property; one is written as in SUMMARY:New Year`},
		{"ics", "BEGIN:VEVENT\n", `calendar x: line 1: an iCalendar file begins with BEGIN:VCALENDAR`},
		{"ics", "BEGIN:VCALENDAR\n", `calendar x: the file ends before END:VCALENDAR`},
		{"ics", "BEGIN:VCALENDAR\nEND:VEVENT\n", `calendar x: line 2: END:VEVENT has no BEGIN`},
		{"ics", event("SUMMARY:x"), `calendar x: line 2: the event has no DTSTART`},
		{"ics", event("DTSTART:20260101T090000Z"), `calendar x: line 3: DTSTART: 20260101T090000Z has a time of day; only events of whole days make a calendar`},
		{"ics", event("DTSTART:20260101\nDTEND:20251231"), `calendar x: line 2: DTEND 2025-12-31 is before DTSTART 2026-01-01`},
		{"ics", event("DTSTART:20260101\nRRULE:FREQ=MONTHLY"), `calendar x: line 4: RRULE: only FREQ=YEARLY is supported; write an event for each day`},
		{"ics", event("DTSTART:20260101\nRRULE:FREQ=YEARLY;BYDAY=1MO"), `calendar x: line 4: RRULE: BYDAY=1MO is not supported: only FREQ=YEARLY with INTERVAL, COUNT or UNTIL is; write an event for each day`},
		{"ics", event("DTSTART:20260101\nDURATION:PT1H"), `calendar x: line 4: DURATION: "PT1H" is no number of days; write it as in P2D`},
		{"ics", event("DTSTART:20260101\nDURATION:P900D"), `calendar x: line 4: DURATION: "P900D" is not from 1 to 400 days`},
		{"ics", event("DTSTART:20260101\nRDATE:20260102"), `calendar x: line 4: RDATE: is not supported: write an event for each day`},
		{"ics", "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:X\n", 9), `calendar x: line 9: components are nested more than 8 deep`},
	} {
		var err error
		if test.format == "csv" {
			_, err = calendar.ReadCSV("x", strings.NewReader(test.text))
		} else {
			_, err = calendar.ReadICal("x", "", strings.NewReader(test.text))
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%q:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	many := "date,last\n" + strings.Repeat("2026-01-01,2026-12-31\n", 3_000)
	if _, err := calendar.ReadCSV("x", strings.NewReader(many)); err == nil || !strings.Contains(err.Error(), "more than 1000000 days") {
		t.Errorf("a million days: %v", err)
	}
	if _, err := calendar.ReadCSV("x", strings.NewReader("date\n"+strings.Repeat("2026-01-01\n", 200_001))); err == nil || !strings.Contains(err.Error(), "at most 200000 rows") {
		t.Errorf("too many rows: %v", err)
	}
	large := strings.Repeat("#\n", calendar.MaxFileBytes/2+1)
	if _, err := calendar.ReadCSV("x", strings.NewReader(large)); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

// check reads a calendar and, when there is one, looks at every row that it has.
func check(t *testing.T, c *calendar.Calendar, err error) {
	if err != nil {
		if c != nil || len(err.Error()) > 2000 {
			t.Fatalf("a calendar with an error of %d bytes: %.200v", len(err.Error()), err)
		}
		return
	}
	for _, r := range c.Rows() {
		for _, d := range []calendar.Date{r.First, r.Last} {
			if _, ok := c.On(r.Place, d); !ok {
				t.Fatalf("%s in %q is lost", d, r.Place)
			}
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("date,last,country,kind,name,estimated\n2026-02-18,2026-03-19,ID,season,Ramadan,true\n")
	f.Add("# note\ndate,name\n2026-01-01,\"New, Year\"\n")
	f.Add("date\r\n2026-02-30\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := calendar.ReadCSV("x", strings.NewReader(text))
		check(t, c, err)
	})
}

func FuzzReadICal(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nDTEND:20260103\r\nSUMMARY:New\r\n  Year\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20240229\nRRULE:FREQ=YEARLY;INTERVAL=4;COUNT=3\nEXDATE:20280229,20320229\nDURATION:P2W\nEND:VEVENT\nEND:VCALENDAR\n")
	f.Add("BEGIN:VCALENDAR\nX;Y=\"a:b\":z\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := calendar.ReadICal("x", "FR", strings.NewReader(text))
		check(t, c, err)
	})
}
