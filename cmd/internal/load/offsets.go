package load

import (
	"fmt"
	"math"
	"slices"
)

// OffsetRule says what an offset in the text of an event's time, such as +02:00, tells besides the moment.
type OffsetRule string

const (
	// OffsetsAuto takes offsets for the clocks of the CIDs when the times of all files, also those of rows that are left out, have more than one. When they have one
	// and the same, that is the machine's that wrote them, or there is nothing to tell apart.
	OffsetsAuto   OffsetRule = ""
	OffsetsClock  OffsetRule = "clock"  // the clock of the CID, however many there are
	OffsetsIgnore OffsetRule = "ignore" // no more than the moment
)

// Offsets tells which offsets the times of the events have, in all rows of all files, and what they were taken for. Z is none. Without Times there are
// none, or nobody asked, because they are ignored.
type Offsets struct {
	Times       uint64 // that have one
	Least, Most string // such as -05:00
	Clocks      bool   // whether they are the clocks of CIDs
}

// offsetSurvey finds out which offsets there are. It hangs on the files and the job alone, so that a load that goes on decides as it did before.
type offsetSurvey struct {
	column      string // of the times
	times       *timeReader
	seen        uint64
	least, most int32 // minutes
}

// newOffsetSurvey returns nil where offsets do not matter. Which column holds the time is told by names alone, as those of JSON come up one by one.
func newOffsetSurvey(job *Job, layout *timeLayout) *offsetSurvey {
	if job.Kind != Events || job.Offsets == OffsetsIgnore || layout != nil && !layout.zoned {
		return nil
	}
	s := &offsetSurvey{column: roleTime.String(), least: math.MaxInt32, most: math.MinInt32, times: &timeReader{zone: newLocalZone(job.Zone), layout: layout, unit: job.TimeUnit}}
	for _, m := range job.Map {
		if m.Name == roleTime.String() {
			s.column = m.Value
		}
	}
	return s
}

// see takes in a cell of the times.
func (s *offsetSurvey) see(c cell) {
	if s.times.layout == nil && !endsInOffset(c.text) {
		return
	}
	if m, problem := s.times.read(c); problem == "" && m.hasOffset() {
		s.seen++
		s.least, s.most = min(s.least, m.offsetMinutes), max(s.most, m.offsetMinutes)
	}
}

// endsInOffset says whether text may be a time with an offset, as most times that have none need not be read to know so.
func endsInOffset(text []byte) bool {
	n := len(text) - len("+00:00")
	return n >= len("2006-01-02T15:04:05") && (text[n] == '+' || text[n] == '-') && text[n+3] == ':'
}

// decide says what the offsets are taken for.
func (s *offsetSurvey) decide(rule OffsetRule) Offsets {
	if s == nil || s.seen == 0 {
		return Offsets{}
	}
	return Offsets{Times: s.seen, Least: offsetText(s.least), Most: offsetText(s.most), Clocks: rule == OffsetsClock || s.least != s.most}
}

func offsetText(minutes int32) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60)
}

// timePlace returns which of a file's columns holds times that may have offsets, or -1.
func (p *plan) timePlace(columns []string) int {
	if p.zones == nil {
		return -1
	}
	return slices.Index(columns, p.zones.column)
}
