package load

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

func zoneNamed(tb testing.TB, name string) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

func TestLocalTimes(t *testing.T) {
	for _, c := range []struct{ zone, local, want string }{
		{"UTC", "2026-02-03 04:05:06", "2026-02-03T04:05:06Z"},
		{"Europe/London", "2010-12-01 08:26:00", "2010-12-01T08:26:00Z"},
		{"Europe/London", "2011-07-01 08:26:00", "2011-07-01T07:26:00Z"},
		{"Europe/London", "2011-03-27 00:59:59", "2011-03-27T00:59:59Z"},
		{"Europe/London", "2011-03-27 01:30:00", "2011-03-27T01:30:00Z"}, // skipped: shown as 02:30
		{"Europe/London", "2011-03-27 02:00:00", "2011-03-27T01:00:00Z"},
		{"Europe/London", "2011-10-30 01:30:00", "2011-10-30T00:30:00Z"}, // twice: the first
		{"Europe/London", "2011-10-30 02:00:00", "2011-10-30T02:00:00Z"},
		{"America/New_York", "2017-11-05 01:30:00", "2017-11-05T05:30:00Z"},
		{"America/New_York", "2017-11-05 02:00:00", "2017-11-05T07:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // midnight is skipped
		{"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30T22:00:00Z"},
		{"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"},
		{"Africa/Monrovia", "1970-01-01", "1970-01-01T00:44:30Z"},
	} {
		m, ok := parseClock([]byte(c.local), newLocalZone(zoneNamed(t, c.zone)))
		if got := time.UnixMilli(m.millis).UTC().Format(time.RFC3339); !ok || got != c.want {
			t.Errorf("%s in %s is %s, %v; want %s", c.local, c.zone, got, ok, c.want)
		}
	}
}

func TestLocalTimesAgainstTime(t *testing.T) {
	zones := []*time.Location{zoneNamed(t, "Europe/London"), zoneNamed(t, "America/New_York"), zoneNamed(t, "Australia/Lord_Howe"), zoneNamed(t, "Asia/Tehran"), time.UTC}
	rapid.Check(t, func(t *rapid.T) {
		location := rapid.SampledFrom(zones).Draw(t, "zone")
		zone := newLocalZone(location)
		for _, seconds := range rapid.SliceOfN(rapid.Int64Range(0, 4_000_000_000), 1, 20).Draw(t, "seconds") {
			local := time.Unix(seconds, 0).UTC()
			got := time.Unix(zone.unix(seconds), 0).In(location)
			_, offset := got.Zone()
			if got.Format(time.DateTime) == local.Format(time.DateTime) {
				// The first of two: an hour or two earlier no moment shows the same.
				for _, back := range []int64{1800, 3600, 7200} {
					earlier := time.Unix(got.Unix()-back, 0).In(location)
					if earlier.Format(time.DateTime) == local.Format(time.DateTime) {
						t.Fatalf("%v in %v is %v, not the first", local, location, got)
					}
				}
				continue
			}
			// Skipped: late by as much as the clocks were changed.
			start, _ := got.ZoneBounds()
			_, before := start.Add(-time.Second).Zone()
			if got.Unix()+int64(before) != seconds || offset <= before {
				t.Fatalf("%v in %v is %v", local, location, got)
			}
		}
	})
}

func TestParseClock(t *testing.T) {
	zone := newLocalZone(time.UTC)
	for text, want := range map[string]string{
		"2026-02-03":                          "2026-02-03T00:00:00Z",
		"2024-02-29T01:02:03":                 "2024-02-29T01:02:03Z",
		"2026-02-03t04:05:06z":                "2026-02-03T04:05:06Z",
		"2026-02-03 04:05:06.5":               "2026-02-03T04:05:06.5Z",
		"2026-02-03 04:05:06.123456789":       "2026-02-03T04:05:06.123Z",
		"2026-02-03T04:05:06.999999-07:30":    "2026-02-03T11:35:06.999Z",
		"2026-02-03 04:05:06+00:00":           "2026-02-03T04:05:06Z",
		"1969-12-31T23:59:59.250Z":            "1969-12-31T23:59:59.25Z",
		"2026-2-03":                           "",
		"2026-02-30":                          "",
		"2023-02-29":                          "",
		"2026-13-01":                          "",
		"2026-02-03 24:00:00":                 "",
		"2026-02-03 23:60:00":                 "",
		"2026-02-03 23:59:60":                 "",
		"2026-02-03 04:05":                    "",
		"2026-02-03 04:05:06.":                "",
		"2026-02-03 04:05:06,5":               "",
		"2026-02-03 04:05:06+0700":            "",
		"2026-02-03 04:05:06+24:00":           "",
		"2026-02-03 04:05:06 ":                "",
		" 2026-02-03":                         "",
		"2026/02/03":                          "",
		"２０２６-02-03":                          "",
		"":                                    "",
		"0000-01-01":                          "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999+00:00":       "9999-12-31T23:59:59.999Z",
		"2026-02-03T04:05:06.1234567890123Z":  "2026-02-03T04:05:06.123Z",
		"2026-02-03T04:05:06Z2026-02-03":      "",
		"2026-02-03T04:05:06+01:60":           "",
		"2026-02-03T04:05:06-00:00":           "2026-02-03T04:05:06Z",
		"2100-02-29":                          "",
		"2000-02-29":                          "2000-02-29T00:00:00Z",
		"2026-00-01":                          "",
		"2026-01-00":                          "",
		"2026-01-01T":                         "",
		"2026-01-01X10:00:00":                 "",
		"2026-01-01 10-00-00":                 "",
		"+2026-01-01":                         "",
		"2026-01-01 10:00:00.5.5":             "",
		"2026-01-01 10:00:00ZZ":               "",
		"20260101":                            "",
		"2026-01-01 1:00:00":                  "",
		"2026-01-01  10:00:00":                "",
		"2026-01-01 10:00:00 +00:00":          "",
		"2026-01-01 10:00:00.000000000+05:30": "2026-01-01T04:30:00Z",
	} {
		m, ok := parseClock([]byte(text), zone)
		got := ""
		if ok {
			got = time.UnixMilli(m.millis).UTC().Format("2006-01-02T15:04:05.999Z")
		}
		if got != want {
			t.Errorf("parseClock(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzParseClock(f *testing.F) {
	f.Add("2026-02-03T04:05:06.789+07:00")
	f.Add("2026-02-03")
	f.Add("2026-02-03 04:05:06")
	zone := newLocalZone(time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := parseClock([]byte(text), zone)
		for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"} {
			want, err := time.Parse(layout, text)
			if err == nil && ok && want.UnixMilli() != m.millis {
				t.Fatalf("parseClock(%q) = %d, package time says %d", text, m.millis, want.UnixMilli())
			}
		}
	})
}

func TestDays(t *testing.T) {
	for day := time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2500; day = day.AddDate(0, 0, 1) {
		year, month, d := day.Date()
		if got := daysSince1970(int64(year), int64(month), int64(d)); got*86400 != day.Unix() {
			t.Fatalf("%v is day %d", day, got)
		}
	}
}

func TestScaleTime(t *testing.T) {
	for _, c := range []struct {
		number, unit string
		want         int64
		ok           bool
	}{
		{"1104596055", "s", 1104596055000, true}, {"1.2349", "s", 1234, true}, {"-0.0001", "s", -1, true}, {"1104596055123", "ms", 1104596055123, true},
		{"1104596055123999", "us", 1104596055123, true}, {"-1", "us", -1, true}, {"1.5", "us", 0, true}, {"0.000000000000000001", "us", 0, true},
		{"9000000000000000000", "s", 0, false},
	} {
		n, err := value.ParseDecimal(c.number)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := scaleTime(n, c.unit); got != c.want && c.ok || ok != c.ok {
			t.Errorf("%s %s = %d, %v; want %d, %v", c.number, c.unit, got, ok, c.want, c.ok)
		}
	}
}

func TestTimeLayouts(t *testing.T) {
	zone := newLocalZone(zoneNamed(t, "America/New_York"))
	for _, c := range []struct{ format, text, want string }{
		{"%Y-%m-%d %H:%M:%S", "2017-07-01 10:00:00", "2017-07-01T14:00:00Z"},
		{"%d/%m/%Y", "28/01/2017", "2017-01-28T05:00:00Z"},
		{"%m/%d/%y %I:%M %p", "01/28/17 07:06 PM", "2017-01-29T00:06:00Z"},
		{"%FT%T.%f%z", "2017-01-28T10:00:00.123456+0100", "2017-01-28T09:00:00.123Z"},
		{"%FT%T%:z", "2017-01-28T10:00:00-01:00", "2017-01-28T11:00:00Z"},
		{"%a, %e %b %Y %R", "Sat, 28 Jan 2017 10:00", "2017-01-28T15:00:00Z"},
		{"%Y%m%d", "20170128", "2017-01-28T05:00:00Z"},
		{"%Y-%j", "2017-028", "2017-01-28T05:00:00Z"},
		{"02.01.2006 15:04", "28.01.2017 10:00", "2017-01-28T15:00:00Z"},
		{time.RFC3339, "2017-01-28T10:00:00Z", "2017-01-28T10:00:00Z"},
		{"%Y-%m-%d", "2017-01-28 10:00:00", ""},
		{"%Y-%m-%d", "28.01.2017", ""},
		{"%d.%m.%Y %H:%M:%S", "05.11.2017 01:30:00", "2017-11-05T05:30:00Z"},
	} {
		layout, err := newTimeLayout(c.format)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		m, problem := layout.parse(c.text, zone)
		got := ""
		if problem == "" {
			got = time.UnixMilli(m.millis).UTC().Format("2006-01-02T15:04:05.999Z")
		}
		if got != c.want {
			t.Errorf("%s of %q = %q, want %q", c.format, c.text, got, c.want)
		}
	}
	for _, format := range []string{"%H:%M", "%Y-%m", "", "%Q", "%Y %m %d 15", "%Y-%m-%d at Mon", "15:04", "2006-01-02 MST", "%Y-%m-%d %Z", "%Y-%m-%d%f", "%s"} {
		if layout, err := newTimeLayout(format); err == nil {
			t.Errorf("the format %q was taken as %+v", format, layout)
		}
	}
}

func ExampleParsePairs() {
	pairs, err := ParsePairs(`cid=CustomerID,time="Invoice, Date"`)
	fmt.Printf("%q %v\n", pairs, err)
	// Output: [{"cid" "CustomerID"} {"time" "Invoice, Date"}] <nil>
}

func TestOffsetOfATime(t *testing.T) {
	read := func(format, text string) int32 {
		t.Helper()
		r := &timeReader{zone: newLocalZone(zoneNamed(t, "Asia/Tokyo"))}
		if format != "" {
			var err error
			if r.layout, err = newTimeLayout(format); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second time it is remembered
			m, problem := r.read(cell{kind: cellText, text: []byte(text)})
			if problem != "" {
				t.Fatal(text, problem)
			}
			if m.offsetMinutes != batch.NoOffset {
				return m.offsetMinutes
			}
		}
		return batch.NoOffset
	}
	for _, c := range []struct {
		format, text string
		want         int32
	}{
		{"", "2026-03-01T22:10:00-05:00", -300},
		{"", "2026-03-01 22:10:00.5+05:45", 345},
		{"", "2026-03-01T22:10:00Z", batch.NoOffset},
		{"", "2026-03-01T22:10:00+00:00", 0},
		{"", "2026-03-01T22:10:00-00:00", batch.NoOffset},
		{"", "2026-03-01T22:10:00", batch.NoOffset},
		{"", "2026-03-01", batch.NoOffset},
		{"", "2026-03-01T22:10:00+18:01", batch.NoOffset}, // no clock on earth
		{"%Y-%m-%d %H:%M %z", "2026-03-01 22:10 -0500", -300},
		{"%Y-%m-%d %H:%M %z", "2026-03-01 22:10 +0000", 0},
		{time.RFC3339, "2026-03-01T22:10:00+00:00", 0},
		{time.RFC3339, "2026-03-01T22:10:00Z", batch.NoOffset},
		{"%Y-%m-%d %H:%M", "2026-03-01 22:10", batch.NoOffset},
	} {
		if got := read(c.format, c.text); got != c.want {
			t.Errorf("the offset of %q is %d, want %d", c.text, got, c.want)
		}
	}
}
