package hours

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

const one = 1 << 32

// TestCodes holds that what comes back is what went in, as near as the doc comment says.
func TestCodes(t *testing.T) {
	decoder := NewDecoder(one)
	rapid.Check(t, func(t *rapid.T) {
		const nowHour = 500_000
		h := Hours{Level: uint8(rapid.IntRange(0, 3).Draw(t, "level")), ActiveDays: rapid.IntRange(0, 3000).Draw(t, "days"), Seen: rapid.Bool().Draw(t, "seen")}
		if h.Seen {
			h.OffsetMinutes = 15 * rapid.IntRange(-72, 72).Draw(t, "offset")
			h.SeenHour = nowHour - rapid.Int64Range(0, 60_000).Draw(t, "ago")
		}
		for class := range h.Day {
			d := &h.Day[class]
			p, q := rapid.Float64Range(0.0001, 0.95).Draw(t, "engagement"), rapid.Float64Range(0.01, 0.9).Draw(t, "activity")
			d.Active, d.Others = 0.999, rapid.Float64Range(0.01, 100).Draw(t, "others")
			for i := range d.Best {
				d.Best[i] = Hour{rapid.IntRange(0, 23).Draw(t, "hour"), p, q}
				p *= rapid.Float64Range(0.3, 1).Draw(t, "ratio")
				if i == 0 {
					q = rapid.Float64Range(0.01, 0.9).Draw(t, "beside")
				}
			}
		}
		codes := h.Encode()
		got := decoder.Decode(&codes, nowHour)
		if got.Level != h.Level || got.Seen != h.Seen || got.OffsetMinutes != h.OffsetMinutes || got.SeenHour != h.SeenHour {
			t.Fatalf("%+v became %+v", h, got)
		}
		if off := math.Abs(float64(got.ActiveDays - h.ActiveDays)); off > 0.09*float64(h.ActiveDays) || h.ActiveDays < 32 && off > 0 {
			t.Fatalf("%d days became %d", h.ActiveDays, got.ActiveDays)
		}
		for class := range h.Day {
			sameDay(t, &h.Day[class], &got.Day[class])
		}
	})
}

func sameDay(t *rapid.T, was, is *Day) {
	within := func(what string, was, is, times float64) {
		if is > was*times || is < was/times {
			t.Fatalf("%s %v became %v", what, was, is)
		}
	}
	odds := func(p float64) float64 { return p / (1 - p) }
	first := logOdds(is.Best[0].Activity)
	for i := range Best {
		was, is := was.Best[i], is.Best[i]
		// Half of the widest step that ratios down to 0.3 meet, and of that between log-odds of 2.8 and 4; further apart are none told.
		engaged, active := math.Exp2(0.38*float64(i))*1.02, math.Exp(0.61)
		if i == 0 {
			engaged, active = 1.01, math.Exp(1.01/32)
		} else if beside := math.Abs(logOdds(was.Activity) - first); beside > 4 {
			active = math.Exp(beside - 4 + 0.04)
		}
		if was.Hour != is.Hour {
			t.Fatalf("hour %d became %d", was.Hour, is.Hour)
		}
		within("engagement", was.Engagement, is.Engagement, engaged)
		within("odds of activity", odds(was.Activity), odds(is.Activity), active)
	}
	within("others", was.Others, is.Others, math.Exp2(1.01/32))
	within("odds of a day with activity", odds(was.Active), odds(is.Active), math.Exp(1.01/32))
}

// TestCodesAreExact holds that what was read is written as what reads the same.
func TestCodesAreExact(t *testing.T) {
	decoder := NewDecoder(one)
	rapid.Check(t, func(t *rapid.T) {
		var codes [Columns]uint16
		for c := range codes {
			codes[c] = rapid.Uint16().Draw(t, "code")
		}
		h := decoder.Decode(&codes, 500_000)
		again := h.Encode()
		got := decoder.Decode(&again, 500_000)
		for class := range h.Day {
			for _, hour := range h.Day[class].Best {
				if h.Day[class].Active == hour.Activity {
					got.Day[class].Active = hour.Activity // it is that of the hour because a day has no less, and has no code of its own
				}
			}
		}
		if got != h {
			t.Fatalf("%v reads as\n%+v, is written as %v and reads then as\n%+v", codes, h, again, got)
		}
		for class := range h.Day {
			if again[2+class] != codes[2+class] || again[7+class] != codes[7+class] {
				t.Fatalf("%v is written as %v", codes, again)
			}
		}
		if again[9] != codes[9] || again[4] != codes[4] {
			t.Fatalf("%v is written as %v", codes, again)
		}
	})
}

// TestChances holds that the table says what Decode does, and that no hour is as likely as one before it.
func TestChances(t *testing.T) {
	decoder := NewDecoder(one)
	for code := range 1 << 16 {
		codes := [Columns]uint16{2: uint16(code)}
		h := decoder.Decode(&codes, 0)
		for i, chance := range decoder.Chances(uint16(code)) {
			if want := h.Day[0].Best[i].Engagement * one; math.Abs(float64(chance)-want) > 1.5+2e-3*want {
				t.Fatalf("hour %d of %#x: %d, want %v", i, code, chance, want)
			}
			if i > 0 && chance >= decoder.Chances(uint16(code))[i-1] || chance == 0 {
				t.Fatalf("%#x: %v", code, decoder.Chances(uint16(code)))
			}
		}
	}
}

// FuzzDecode holds that whatever the codes, what they say can be.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), uint16(65535), uint16(7), uint16(65535), uint16(65535), uint16(1), uint16(9), uint16(65535), uint16(0), uint16(65535))
	decoder := NewDecoder(one)
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, k, l, m, n uint16) {
		h := decoder.Decode(&[Columns]uint16{a, b, c, d, e, g, k, l, m, n}, 500_000)
		for _, d := range h.Day {
			for i, x := range d.Best {
				if x.Hour < 0 || x.Hour > 23 || !(x.Engagement > 0 && x.Engagement < 1 && x.Activity > 0 && x.Activity < 1) || i > 0 && x.Engagement >= d.Best[i-1].Engagement ||
					x.Activity > d.Active {
					t.Fatalf("%+v", d)
				}
			}
			if !(d.Active > 0 && d.Active < 1 && d.Others > 0 && d.Others < 1000) {
				t.Fatalf("%+v", d)
			}
		}
		if h.ActiveDays < 0 || h.ActiveDays > MaxActiveDays || h.Seen && (h.SeenHour > 500_000 || h.SeenHour <= 500_000-1<<16 || h.OffsetMinutes < -32*60 || h.OffsetMinutes > 32*60) {
			t.Fatalf("%+v", h)
		}
	})
}

// TestOutOfRange holds that nothing breaks on what cannot be.
func TestOutOfRange(t *testing.T) {
	h := Hours{Level: 9, ActiveDays: 1 << 40, Seen: true, OffsetMinutes: 1 << 30}
	h.Day[0].Best = [Best]Hour{{99, math.NaN(), -1}, {-1, math.Inf(1), math.NaN()}, {3, -1, 2}}
	h.Day[1] = Day{Best: [Best]Hour{{0, 0, 0}, {1, 0, 1}, {2, 1, 0}}, Active: math.Inf(1), Others: math.Inf(-1)}
	codes := h.Encode()
	got := NewDecoder(one).Decode(&codes, 0)
	if got.Level != 3 || got.ActiveDays != MaxActiveDays || got.Day[0].Best[0].Hour != 23 {
		t.Errorf("%+v", got)
	}
	for _, d := range got.Day {
		for _, x := range d.Best {
			if math.IsNaN(x.Engagement) || math.IsNaN(x.Activity) {
				t.Errorf("%+v", got)
			}
		}
	}
}
