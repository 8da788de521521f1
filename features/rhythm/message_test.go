package rhythm

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func minuteOf(minute int64, k Kind) Event { return Event{Seconds: minute * 60, Kind: k} }

func TestMessages(t *testing.T) {
	const day, forever = 24 * 60, math.MaxInt64
	at := minuteOf
	for _, c := range []struct {
		name   string
		events []Event
		end    int64
		want   []float64 // minutes until the answer of each message; below 0 for none
	}{
		{"nothing came", []Event{at(1, Displayed), at(2, Engaged), at(3, Clicked)}, forever, nil},
		{"clicked", []Event{at(0, Received), at(100, Displayed), at(200, Clicked)}, forever, []float64{200}},
		{"clicked, and nothing was displayed", []Event{at(0, Received), at(7, ClickedOnly)}, forever, []float64{7}},
		{"engaged at once after the display", []Event{at(0, Received), at(100, Displayed), at(105, Engaged), at(106, Clicked)}, forever, []float64{105}},
		{"active, and no answer", []Event{at(0, Received), at(100, Engaged)}, forever, []float64{-1}},
		{"what was displayed came before", []Event{at(0, Received), at(50, Displayed), at(55, Received), at(60, Engaged)}, forever, []float64{-1, -1}},
		{"the last one is answered", []Event{at(0, Received), at(50, Received), at(55, Displayed), at(60, Engaged), at(61, Clicked)}, forever, []float64{-1, 10}},
		{"the first one before the second came", []Event{at(0, Received), at(50, Clicked), at(55, Received)}, forever, []float64{50, -1}},
		{"after a day", []Event{at(0, Received), at(day, Clicked)}, forever, []float64{day}},
		{"too late", []Event{at(0, Received), at(day+1, Clicked)}, forever, []float64{-1}},
		{"it is too early to tell", []Event{at(0, Received), at(1, Clicked), at(60, Received), at(61, Clicked)}, (day + 60) * 60, []float64{1}},
	} {
		messages := AppendMessages(nil, c.events, c.end)
		var got, delays []float64
		for _, m := range messages {
			if !m.Answered {
				got = append(got, -1)
				continue
			}
			got = append(got, float64(m.AnswerSeconds)/60)
			delays = append(delays, float64(m.AnswerSeconds)/60)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if appended := AppendDelays([]float64{5}, messages); !slices.Equal(appended[1:], delays) {
			t.Errorf("%s: delays %v, want %v", c.name, appended, delays)
		}
	}
}

// obviousMessages looks, for each message, through all that happened after it and before the next one.
func obviousMessages(events []Event, end int64) (all []Message) {
	for i, e := range events {
		if e.Kind != Received || e.Seconds >= end-86400 {
			continue
		}
		m := Message{Seconds: e.Seconds, OffsetMinutes: e.OffsetMinutes}
		shown := int64(math.MinInt64 / 2)
		for _, later := range events[i+1:] {
			if later.Kind == Received || later.Seconds > e.Seconds+86400 {
				break
			}
			if later.Kind == Displayed {
				shown = later.Seconds
			}
			click := later.Kind == Clicked || later.Kind == ClickedOnly
			if click || later.Kind == Engaged && later.Seconds-shown <= 1800 {
				m.Answered, m.AnswerSeconds = true, int32(later.Seconds-e.Seconds)
				break
			}
		}
		all = append(all, m)
	}
	return all
}

// TestMessagesOfAnybody holds messages, and what a state tells of them, against their slow twin.
func TestMessagesOfAnybody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		// Of what happened at once, the order is that of a reader.
		slices.SortStableFunc(events, byTime)
		end := int64(math.MaxInt64)
		if len(events) > 0 && rapid.Bool().Draw(t, "cut") {
			end = events[len(events)/2].Seconds
		}
		got, want := AppendMessages(nil, events, end), obviousMessages(events, end)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		var answered [Hours]uint16
		lately, last := 0.0, int32(math.MinInt32)
		all := obviousMessages(events, math.MaxInt64)
		for _, m := range all {
			last = max(last, m.Day())
		}
		for _, m := range all {
			lately += math.Exp2(-float64(last-m.Day()) / 7)
			if m.Answered {
				answered[m.Hour()]++
			}
			if m.Minute() < 0 || m.Minute() > 59 || int64(m.Minute()) != ((m.Seconds+int64(m.OffsetMinutes)*60)%3600+3600)%3600/60 {
				t.Fatalf("minute %d of %+v", m.Minute(), m)
			}
		}
		s := fold(events)
		if s.Answered != answered || math.Abs(float64(s.Lately)-lately) > 1e-4 {
			t.Fatalf("%v answered and %v lately, want %v and %v", s.Answered, s.Lately, answered, lately)
		}
		if n := len(all); n > 0 {
			if m := all[n-1]; s.MessageSeconds != m.Seconds || int(s.MessageHour) != m.Hour() || s.MessageDay != last || s.Waiting == m.Answered {
				t.Fatalf("%+v, and the last message was %+v", s, m)
			}
		}
	})
}

// TestWhatIsBothIsReadOnce: a click that is activity is one event.
func TestWhatIsBothIsReadOnce(t *testing.T) {
	s := Source{Engaged: []string{"open", "click"}, Received: []string{"sent"}, Displayed: []string{"shown"}, Clicked: []string{"tap", "click"}}
	got := map[string]Kind{}
	if err := s.kinds(func(name string, k Kind) error {
		if _, found := got[name]; found {
			t.Errorf("%q is read twice", name)
		}
		got[name] = k
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]Kind{"open": Engaged, "click": Clicked, "sent": Received, "shown": Displayed, "tap": ClickedOnly} {
		if got[name] != k {
			t.Errorf("%s is read as %d, want %d", name, got[name], k)
		}
	}
}
