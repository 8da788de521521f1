package rhythm

// HoldAtMost makes a reader hold so many events at a time.
func (r *Reader) HoldAtMost(events uint32) { r.most = events }
