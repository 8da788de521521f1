package log

import "sort"

// segment is the durable part of a segment file.
type segment struct {
	path  string
	head  fileHeader
	last  uint64 // position of its last record; first-1 if it has none
	bytes int64
}

// Last returns the position of the last durable record, 0 if there never was
// one.
func (l *Log) Last() uint64 {
	l.state.RLock()
	defer l.state.RUnlock()
	return l.segments[len(l.segments)-1].last
}

// First returns the position of the first record the log still has, or will
// have: it is Last+1 if there is none.
func (l *Log) First() uint64 {
	l.state.RLock()
	defer l.state.RUnlock()
	return l.segments[0].head.first
}

// Bytes returns the size of all durable segments on disk.
func (l *Log) Bytes() int64 {
	l.state.RLock()
	defer l.state.RUnlock()
	return l.bytes
}

// find returns the segment that holds position, if it is durable and kept.
func (l *Log) find(position uint64) (seg segment, ok bool) {
	l.state.RLock()
	defer l.state.RUnlock()
	if position > l.segments[len(l.segments)-1].last {
		return segment{}, false
	}
	after := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].head.first > position })
	if after == 0 {
		return segment{}, false
	}
	return l.segments[after-1], true
}
