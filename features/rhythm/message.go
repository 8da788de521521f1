package rhythm

// Message is one that came, and what came of it.
type Message struct {
	Seconds       int64 // when it came, since 1970
	OffsetMinutes int16 // of the clock there, ahead of UTC
	Answered      bool
	// AnswerSeconds is how long it waited to be answered.
	AnswerSeconds int32
}

// Day returns the local day on which the message came, in days since 1970-01-01.
func (m Message) Day() int32 { return m.event().Day() }

// Hour returns the local hour in which the message came.
func (m Message) Hour() int { return m.event().Hour() }

// Minute returns the minute of that hour.
func (m Message) Minute() int {
	local := m.event().local()
	return int((local - floorDiv(local, secondsPerHour)*secondsPerHour) / secondsPerMinute)
}

func (m Message) event() Event { return Event{Seconds: m.Seconds, OffsetMinutes: m.OffsetMinutes} }

// AppendMessages appends the messages that came, in the order of their time, with what came of them. A message is answered by the first click, or the first
// engagement at once after it was displayed, within AnswerSeconds and before the next message: where messages overlap, the last one has the answer. Of
// messages that came AnswerSeconds before the end of what is known, or later, it cannot be told yet; they are left out, answered or not.
func AppendMessages(to []Message, events []Event, endSeconds int64) []Message {
	var s State
	for _, e := range events {
		if e.Kind == Received && e.Seconds >= endSeconds-AnswerSeconds {
			break
		}
		_, answers := s.add(e)
		switch {
		case e.Kind == Received:
			to = append(to, Message{Seconds: e.Seconds, OffsetMinutes: e.OffsetMinutes})
		case answers:
			last := &to[len(to)-1]
			last.Answered, last.AnswerSeconds = true, int32(e.Seconds-last.Seconds)
		}
	}
	return to
}

// AppendDelays appends after how many minutes messages were answered, of those that were.
func AppendDelays(to []float64, messages []Message) []float64 {
	for _, m := range messages {
		if m.Answered {
			to = append(to, float64(m.AnswerSeconds)/secondsPerMinute)
		}
	}
	return to
}
