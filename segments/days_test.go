package segments_test

import (
	"fmt"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestBordersOfDays puts events around the moments at which the date changes, and asks for each day.
func TestBordersOfDays(t *testing.T) {
	for _, c := range []struct {
		zone, now string
		days      map[string][]string // the events that happened on a day
	}{
		{"UTC", "2024-03-05T10:00:00Z", map[string][]string{
			"2024-02-28": {"2024-02-28T00:00:00Z", "2024-02-28T23:59:59.999Z"},
			"2024-02-29": {"2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999Z"},
			"2024-03-01": {"2024-03-01T00:00:00Z"},
		}},
		{"Europe/London", "2024-11-05T10:00:00Z", map[string][]string{
			"2024-03-30": {"2024-03-30T23:59:59.999Z"},
			"2024-03-31": {"2024-03-31T00:00:00Z", "2024-03-31T22:59:59.999Z"}, // 23 hours
			"2024-04-01": {"2024-03-31T23:00:00Z"},
			"2024-10-26": {"2024-10-26T22:59:59.999Z"},
			"2024-10-27": {"2024-10-26T23:00:00Z", "2024-10-27T23:59:59.999Z"}, // 25 hours
			"2024-10-28": {"2024-10-28T00:00:00Z"},
		}},
		{"Asia/Kolkata", "2024-01-10T10:00:00Z", map[string][]string{
			"2024-01-01": {"2024-01-01T18:29:59Z", "2024-01-01T18:29:59.999Z"},
			"2024-01-02": {"2024-01-01T18:30:00Z", "2024-01-02T18:29:59.999Z"},
			"2024-01-03": {"2024-01-02T18:30:00Z"},
		}},
		{"America/St_Johns", "2006-11-10T10:00:00Z", map[string][]string{
			// At 00:01 of the 29th clocks went back to 23:01 of the 28th: the 29th comes in two pieces.
			"2006-10-27": {"2006-10-28T02:29:59.999Z"},
			"2006-10-28": {"2006-10-28T02:30:00Z", "2006-10-29T02:29:59.999Z", "2006-10-29T02:31:00Z", "2006-10-29T03:29:59.999Z"},
			"2006-10-29": {"2006-10-29T02:30:00Z", "2006-10-29T02:30:59.999Z", "2006-10-29T03:30:00Z", "2006-10-30T03:29:59.999Z"},
			"2006-10-30": {"2006-10-30T03:30:00Z"},
		}},
		{"America/St_Johns", "2006-11-10T10:00:00Z", map[string][]string{
			// At 00:01 of April the 2nd clocks went on to 01:01.
			"2006-04-01": {"2006-04-01T03:30:00Z", "2006-04-02T03:29:59.999Z"},
			"2006-04-02": {"2006-04-02T03:30:00Z", "2006-04-02T03:31:00Z", "2006-04-03T02:29:59.999Z"},
			"2006-04-03": {"2006-04-03T02:30:00Z"},
		}},
		{"Australia/Lord_Howe", "2024-10-10T10:00:00Z", map[string][]string{
			"2024-04-06": {"2024-04-06T12:59:59.999Z"},
			"2024-04-07": {"2024-04-06T13:00:00Z", "2024-04-07T13:29:59.999Z"}, // 24 hours and a half
			"2024-04-08": {"2024-04-07T13:30:00Z"},
			"2024-10-05": {"2024-10-05T13:29:59.999Z"},
			"2024-10-06": {"2024-10-05T13:30:00Z", "2024-10-06T12:59:59.999Z"}, // 23 and a half
			"2024-10-07": {"2024-10-06T13:00:00Z"},
		}},
		{"Pacific/Apia", "2012-01-10T10:00:00Z", map[string][]string{
			"2011-12-29": {"2011-12-29T10:00:00Z", "2011-12-30T09:59:59.999Z"},
			"2011-12-30": nil, // left out
			"2011-12-31": {"2011-12-30T10:00:00Z", "2011-12-31T09:59:59.999Z"},
			"2012-01-01": {"2011-12-31T10:00:00Z"},
		}},
		{"America/Sao_Paulo", "2018-11-10T10:00:00Z", map[string][]string{
			"2018-11-03": {"2018-11-04T02:59:59.999Z"},
			"2018-11-04": {"2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999Z"}, // it began at 01:00
			"2018-11-05": {"2018-11-05T02:00:00Z"},
		}},
	} {
		w := plainWorld(t, c.zone, c.now, segments.Options{})
		all := 0
		w.mustWrite(segments.WriteRequest{Build: func(b *batch.Builder) error {
			for day, times := range c.days {
				for _, text := range times {
					at := moment(t, text)
					named := []batch.Named{{Name: "day", Value: value.Text(day)}}
					// An own UTC offset must move nothing.
					b.Event(all, batch.Event{CID: day + text, Name: "open", TimeMillis: at.UnixMilli(), OffsetMinutes: int64(all%37-18) * 60, Properties: named})
					b.Profile(1000+all, batch.ProfileChange{CID: day + text, TimeMillis: at.UnixMilli(), Set: []batch.Named{{Name: "joined", Value: value.Moment(at)}}})
					all++
				}
			}
			return nil
		}})
		for day, times := range c.days {
			date, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			next := date.AddDate(0, 0, 1).Format(time.DateOnly)
			want := uint64(len(times))
			for _, text := range []string{
				`did("open", from ` + day + ` to ` + next + `)`,
				`did("open" where day = "` + day + `", from ` + day + ` to ` + next + `)`,
				`joined = ` + day,
				`joined >= ` + day + ` and joined < ` + next,
				`joined between ` + day + ` and ` + day,
			} {
				if got := w.count(text, time.Time{}); got != want {
					t.Errorf("%s: %s: %d, want %d", c.zone, text, got, want)
				}
			}
			if len(times) == 0 {
				continue
			}
			// As of any moment of the day its whole counts, and nothing later does.
			for _, text := range times {
				asOf := moment(t, text)
				if got := w.count(`did("open", within 1d)`, asOf); got != want {
					t.Errorf("%s: as of %s: %d in the day, want %d", c.zone, text, got, want)
				}
			}
		}
	}
}

// TestDateOfDayInTwoPieces compares moments with the date of a day that clocks showed twice: at 00:01 of 2006-10-29 they
// went back to 23:01 of the day before. A date stands for all moments that bear it.
func TestDateOfDayInTwoPieces(t *testing.T) {
	w := plainWorld(t, "America/St_Johns", "2006-11-10T10:00:00Z", segments.Options{})
	w.mustWrite(segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i, text := range []string{"2006-10-29T02:29:59Z", "2006-10-29T02:30:00Z", "2006-10-29T02:30:59Z", "2006-10-29T02:31:00Z", "2006-10-29T03:29:59Z", "2006-10-29T03:30:00Z"} {
			b.Profile(i, batch.ProfileChange{CID: text, TimeMillis: batch.NoTime, Set: []batch.Named{{Name: "joined", Value: value.Moment(moment(t, text))}}})
		}
		return nil
	}})
	for text, want := range map[string]uint64{
		`joined = 2006-10-28`: 3, `joined = 2006-10-29`: 3, `joined < 2006-10-29`: 3, `joined >= 2006-10-29`: 3,
		`joined != 2006-10-29`: 3, `joined between 2006-10-28 and 2006-10-29`: 6,
	} {
		if got := w.count(text, time.Time{}); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestHoursAcrossClockChange counts hours that passed, not hours that clocks show.
func TestHoursAcrossClockChange(t *testing.T) {
	for _, c := range []struct{ zone, now string }{
		{"Europe/London", "2024-03-31T03:00:00.400Z"},
		{"Europe/London", "2024-10-27T03:00:00.999Z"},
		{"America/St_Johns", "2006-10-29T05:00:00Z"},
		{"Australia/Lord_Howe", "2024-04-06T17:00:00Z"},
		{"Pacific/Apia", "2011-12-30T13:00:00.001Z"},
	} {
		w := plainWorld(t, c.zone, c.now, segments.Options{})
		now := w.clock.now().Truncate(time.Second)
		w.mustWrite(segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i, back := range []time.Duration{0, time.Millisecond, time.Second, 6*time.Hour - time.Second, 6*time.Hour - time.Millisecond, 6 * time.Hour, 6*time.Hour - 999*time.Millisecond} {
				b.Event(i, batch.Event{CID: fmt.Sprint(back), Name: "open", TimeMillis: now.Add(-back).UnixMilli(), OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		// Seconds are what counts: an event of the second six hours ago is out, one a second later is in.
		if got := w.count(`did("open", within 6h)`, time.Time{}); got != 4 {
			t.Errorf("%s: %d within 6 h, want 4", c.zone, got)
		}
		if got := w.count(`last("open") before 6h ago`, time.Time{}); got != 3 {
			t.Errorf("%s: %d before 6 h ago, want 3", c.zone, got)
		}
	}
}

// TestExpiryOfTags goes by the clock, and to the millisecond, whatever the as_of.
func TestExpiryOfTags(t *testing.T) {
	w := plainWorld(t, "UTC", "2024-03-05T10:00:00Z", segments.Options{})
	now := w.clock.now()
	w.mustWrite(segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i, until := range []time.Duration{-time.Hour, 0, time.Millisecond, time.Minute} {
			b.Tag(i, batch.TagChange{CID: fmt.Sprint(until), Tag: "vip", ExpiresMillis: now.Add(until).UnixMilli(), TimeMillis: now.Add(-48 * time.Hour).UnixMilli()})
		}
		b.Tag(4, batch.TagChange{CID: "ever", Tag: "vip", TimeMillis: now.Add(-48 * time.Hour).UnixMilli()})
		return nil
	}})
	for _, c := range []struct {
		advance time.Duration
		want    uint64
	}{{0, 3}, {time.Millisecond, 2}, {time.Minute, 1}} {
		w.clock.advance(c.advance)
		for _, asOf := range []time.Time{{}, now.Add(-24 * time.Hour)} {
			if got := w.count(`tag("vip")`, asOf); got != c.want {
				t.Errorf("%s on, as of %s: %d bear the tag, want %d", c.advance, asOf, got, c.want)
			}
		}
	}
}
