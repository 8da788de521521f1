package rhythm

// AppendDelays appends, for each message that came and was answered, the minutes until it was. An answer is engagement at once after a message was displayed; it
// is taken to answer the last one that came before it, once.
func AppendDelays(to []float64, events []Event) []float64 {
	var s State
	waiting, since := false, int64(0)
	for _, e := range events {
		own := s.Add(e)
		switch {
		case e.Kind == Received:
			waiting, since = true, e.Seconds
		case e.Kind == Engaged && !own && waiting:
			to = append(to, float64(e.Seconds-since)/secondsPerMinute)
			waiting = false
		}
	}
	return to
}
