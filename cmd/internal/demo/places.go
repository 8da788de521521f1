package demo

import (
	"fmt"
	"time"
)

// place is where some of the sample's people live.
type place struct {
	country, zone, language string
	perMille                int // of all people
}

// places sum up to 1000. Half-hour and quarter-hour zones and zones of both hemispheres
// are among them, because that is where day boundaries go wrong.
func places() []place {
	return []place{
		{"ID", "Asia/Jakarta", "id", 150},
		{"ID", "Asia/Makassar", "id", 45},
		{"ID", "Asia/Jayapura", "id", 10},
		{"IN", "Asia/Kolkata", "hi", 110},
		{"IN", "Asia/Kolkata", "en", 70},
		{"NP", "Asia/Kathmandu", "ne", 10},
		{"US", "America/New_York", "en", 70},
		{"US", "America/Chicago", "en", 40},
		{"US", "America/Denver", "en", 15},
		{"US", "America/Los_Angeles", "en", 45},
		{"CA", "America/Toronto", "en", 20},
		{"CA", "America/St_Johns", "en", 5},
		{"MX", "America/Mexico_City", "es", 50},
		{"BR", "America/Sao_Paulo", "pt", 70},
		{"BR", "America/Manaus", "pt", 10},
		{"GB", "Europe/London", "en", 80},
		{"DE", "Europe/Berlin", "de", 80},
		{"NG", "Africa/Lagos", "en", 50},
		{"JP", "Asia/Tokyo", "ja", 50},
		{"AU", "Australia/Sydney", "en", 15},
		{"AU", "Australia/Adelaide", "en", 5},
	}
}

// zoneClock gives a zone's UTC offset for every hour of a span, which is much faster
// than asking the zone for each event.
type zoneClock struct {
	from    int64 // Unix seconds of the first hour
	minutes []int16
}

func newZoneClock(zone string, from, to time.Time) (*zoneClock, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("sample app: %w", err)
	}
	c := &zoneClock{from: from.Unix()}
	for t := from; t.Before(to); t = t.Add(time.Hour) {
		_, seconds := t.In(loc).Zone()
		c.minutes = append(c.minutes, int16(seconds/60))
	}
	return c, nil
}

// offsetMinutes returns the offset at a moment; outside the span, that of its nearest end.
func (c *zoneClock) offsetMinutes(unix int64) int16 {
	hour := (unix - c.from) / 3600
	return c.minutes[min(max(hour, 0), int64(len(c.minutes)-1))]
}

// toUTC returns the moment at which the zone's clocks show a wall time, given as
// if it were UTC. Wall times that a clock change skips or repeats come out up to
// an hour off.
func (c *zoneClock) toUTC(wall int64) int64 {
	guess := wall - int64(c.offsetMinutes(wall))*60
	return wall - int64(c.offsetMinutes(guess))*60
}
