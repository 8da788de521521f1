package hours

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestCodes holds that what comes back is what went in, as near as the doc comment says.
func TestCodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nowHour = 500_000
		h := Hours{Level: uint8(rapid.IntRange(0, 3).Draw(t, "level")), ActiveDays: rapid.IntRange(0, 3000).Draw(t, "days"), Seen: rapid.Bool().Draw(t, "seen")}
		if h.Seen {
			h.OffsetMinutes = 15 * rapid.IntRange(-72, 72).Draw(t, "offset")
			h.SeenHour = nowHour - rapid.Int64Range(0, 60_000).Draw(t, "ago")
		}
		for _, best := range []*[Best]Hour{&h.Weekday, &h.Weekend} {
			p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
			h.Active = [2]float64{0.9995, 0.9995}
			for i := range best {
				best[i] = Hour{rapid.IntRange(0, 23).Draw(t, "hour"), p}
				p *= rapid.Float64Range(0.3, 1).Draw(t, "ratio")
			}
		}
		got := Decode(h.Encode(), nowHour)
		if got.Level != h.Level || got.Seen != h.Seen || got.OffsetMinutes != h.OffsetMinutes || got.SeenHour != h.SeenHour {
			t.Fatalf("%+v became %+v", h, got)
		}
		if off := math.Abs(float64(got.ActiveDays - h.ActiveDays)); off > 0.09*float64(h.ActiveDays) || h.ActiveDays < 32 && off > 0 {
			t.Fatalf("%d days became %d", h.ActiveDays, got.ActiveDays)
		}
		for class, pair := range [][2][Best]Hour{{h.Weekday, got.Weekday}, {h.Weekend, got.Weekend}} {
			for i := range Best {
				was, is := pair[0][i], pair[1][i]
				near := math.Exp2(0.375 * float64(i) * 1.02) // half of the widest step that ratios down to 0.3 meet
				if i == 0 {
					near = 1.01
				}
				if was.Hour != is.Hour || is.Probability > was.Probability*near*1.01 || is.Probability < was.Probability/near/1.01 {
					t.Fatalf("class %d, hour %d: %v became %v", class, i, was, is)
				}
			}
		}
	})
}

// FuzzDecode holds that whatever the codes, what they say can be.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), uint16(65535), uint16(7), uint16(65535), uint16(65535), uint16(1), uint16(9))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g, k uint16) {
		h := Decode([Columns]uint16{a, b, c, d, e, g, k}, 500_000)
		for _, best := range [][Best]Hour{h.Weekday, h.Weekend} {
			for i, x := range best {
				if x.Hour < 0 || x.Hour > 23 || !(x.Probability > 0 && x.Probability < 1) || i > 0 && x.Probability > best[i-1].Probability {
					t.Fatalf("%v", best)
				}
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
	h.Weekday = [Best]Hour{{99, math.NaN()}, {-1, math.Inf(1)}, {3, -1}}
	h.Weekend = [Best]Hour{{0, 0}, {1, 0}, {2, 1}}
	got := Decode(h.Encode(), 0)
	if got.Level != 3 || got.ActiveDays != MaxActiveDays || got.Weekday[0].Hour != 23 {
		t.Errorf("%+v", got)
	}
	for _, x := range append(got.Weekday[:], got.Weekend[:]...) {
		if math.IsNaN(x.Probability) {
			t.Errorf("%+v", got)
		}
	}
}
