package rhythm

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/features/weekend"
)

// drawEvents draws what one CID might have done: it travels, has clocks of half and quarter hours, and is messaged.
func drawEvents(t *rapid.T) []Event {
	offsets := []int16{-720, -300, 0, 330, 345, 840}
	n := rapid.IntRange(0, 60).Draw(t, "n")
	at := rapid.Int64Range(-200_000, 2_000_000_000).Draw(t, "start")
	offset := rapid.SampledFrom(offsets).Draw(t, "offset")
	var events []Event
	for range n {
		at += rapid.SampledFrom([]int64{0, 60, 1799, 1800, 1801, 3600, 40_000, 90_000, 700_000}).Draw(t, "step")
		if rapid.IntRange(0, 5).Draw(t, "travel") == 0 {
			offset = rapid.SampledFrom(offsets).Draw(t, "offset")
		}
		events = append(events, Event{at, offset, rapid.SampledFrom([]Kind{Engaged, Engaged, Engaged, Received, Displayed, Clicked, ClickedOnly}).Draw(t, "kind"), false})
	}
	return events
}

// obvious has the hours of each local day, the slow way.
func obvious(events []Event) map[int32]uint32 {
	days := map[int32]uint32{}
	for i, e := range events {
		shown := int64(math.MinInt64 / 2)
		for _, before := range events[:i] {
			if before.Kind == Displayed {
				shown = before.Seconds
			}
		}
		if (e.Kind == Engaged || e.Kind == Clicked) && e.Seconds-shown > 1800 {
			local := e.Seconds + int64(e.OffsetMinutes)*60
			day := int32(math.Floor(float64(local) / 86400))
			days[day] |= 1 << ((local - int64(day)*86400) / 3600)
		}
	}
	return days
}

func fold(events []Event) (s State) {
	for _, e := range events {
		s.Add(e)
	}
	return s
}

func TestStateIsWhatHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		rest := rapid.SampledFrom([]weekend.Days{0, weekend.Of("SA"), weekend.Of("IR")}).Draw(t, "rest")
		person := Person{Events: events, Rest: rest}
		cursor := person.Cursor()
		s, days := *cursor.Before(math.MaxInt32), obvious(events)
		var want State
		received := 0
		for _, e := range events {
			if e.Kind == Received {
				received++
			}
		}
		last := int32(math.MinInt32)
		for day := range days {
			last = max(last, day)
		}
		recent, recentDays, weekDays := [Hours]float64{}, 0.0, 0.0
		for day, hours := range days {
			age := float64(last - day)
			recentDays += math.Exp2(-age / 30)
			weekDays += math.Exp2(-age / 7)
			want.Days[((day+4)%7+7)%7]++
			if last-day < 3 {
				want.LastHours[last-day] = hours
			}
			for h := range Hours {
				if hours>>h&1 != 0 {
					want.Hours[h]++
					recent[h] += math.Exp2(-age / 30)
					if rest.Has(day) {
						want.Weekend[h]++
					}
				}
			}
		}
		if s.Hours != want.Hours || s.Weekend != want.Weekend || s.Days != want.Days || s.LastHours != want.LastHours || s.ActiveDays() != len(days) {
			t.Fatalf("%+v, want %+v", s, want)
		}
		got := 0
		for h := range Hours {
			got += int(s.Received[h])
			if math.Abs(float64(s.Recent[h])-recent[h]) > 1e-4 {
				t.Fatalf("recent %v, want %v", s.Recent, recent)
			}
		}
		if got != received || math.Abs(float64(s.RecentDays)-recentDays) > 1e-4 || math.Abs(float64(s.WeekDays)-weekDays) > 1e-4 {
			t.Fatalf("%d received, %v and %v days; want %d, %v and %v", got, s.RecentDays, s.WeekDays, received, recentDays, weekDays)
		}
		if len(days) > 0 && (s.LastDay != last || s.LastHour() != bits.Len32(days[last])-1) {
			t.Fatalf("last day %d, hour %d", s.LastDay, s.LastHour())
		}
	})
}

func TestActiveDaysAreThoseOfTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		days := obvious(events)
		active := ActiveDays(events, []Active{{Day: 7}})[1:]
		if !slices.IsSortedFunc(active, func(a, b Active) int { return cmp.Compare(a.Day, b.Day) }) || len(active) != len(days) {
			t.Fatalf("%v, want %v", active, days)
		}
		for _, a := range active {
			if days[a.Day] != a.Hours {
				t.Fatalf("day %d: %b, want %b", a.Day, a.Hours, days[a.Day])
			}
		}
	})
}

// TestCursorKnowsNothingLater: neither of the day asked about, nor of what happened after its first event.
func TestCursorKnowsNothingLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		if len(events) == 0 {
			return
		}
		cursor := NewCursor(events)
		day := events[0].Day() - 2
		for range 10 {
			day += rapid.Int32Range(0, 20).Draw(t, "step")
			known := slices.IndexFunc(events, func(e Event) bool { return e.Day() >= day })
			if known < 0 {
				known = len(events)
			}
			if got, want := *cursor.Before(day), fold(events[:known]); got != want {
				t.Fatalf("before %d: %+v, want %+v", day, got, want)
			}
		}
	})
}

func TestPromptedActivityIsNoHabit(t *testing.T) {
	const noon = 12 * 3600
	for _, c := range []struct {
		name   string
		after  int64 // the display
		counts bool
	}{{"at once", 0, false}, {"within half an hour", 1800, false}, {"later", 1801, true}} {
		s := State{}
		s.Add(Event{Seconds: noon, Kind: Displayed})
		if own := s.Add(Event{Seconds: noon + c.after, Kind: Engaged}); own != c.counts || s.ActiveDays() > 0 != c.counts {
			t.Errorf("%s: own %v, %d active days", c.name, own, s.ActiveDays())
		}
	}
}

func TestCountsStop(t *testing.T) {
	s := State{}
	s.Received[3] = math.MaxUint16
	if s.Add(Event{Seconds: 3 * 3600, Kind: Received}); s.Received[3] != math.MaxUint16 {
		t.Errorf("%d", s.Received[3])
	}
}

// TestStateIsSmall: one is kept for every CID of a block.
func TestStateIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(State{}); size > 384 {
		t.Errorf("%d bytes", size)
	}
}
