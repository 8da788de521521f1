package plan

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
)

// MaxOffsetMinutes bounds fixed offsets, in both directions.
const MaxOffsetMinutes = 18 * 60

// maxUnknownZones bounds how many names that are no zone are remembered, so that a batch full of one costs little and no batch costs memory.
const maxUnknownZones = 1024

// Zone is a time zone, named or of a fixed offset. It comes from Zones, is never changed, and may be used by any number of goroutines.
type Zone struct {
	name string
	loc  *time.Location
}

// Name returns the IANA name, or UTC+05:30 for a fixed offset.
func (z *Zone) Name() string { return z.name }

// OffsetSeconds returns what local time is ahead of UTC by at an instant.
func (z *Zone) OffsetSeconds(unix int64) int {
	_, offset := time.Unix(unix, 0).In(z.loc).Zone()
	return offset
}

// Local returns an instant by the clock on the wall.
func (z *Zone) Local(unix int64) time.Time { return time.Unix(unix, 0).In(z.loc) }

// Changes returns when local time changes its distance from UTC after one instant and up to another, at most so many times; ok is false when there are more.
func (z *Zone) Changes(after, until int64, most int) (all []int64, ok bool) {
	for at := after; ; {
		_, next := time.Unix(at, 0).In(z.loc).ZoneBounds()
		if next.IsZero() || next.Unix() > until {
			return all, true
		}
		if len(all) == most {
			return nil, false
		}
		at = next.Unix()
		all = append(all, at)
	}
}

// Zones makes zones, each once. It may be used by any number of goroutines.
type Zones struct {
	mu      sync.RWMutex
	named   map[string]*Zone
	unknown map[string]error
	fixed   map[int]*Zone
}

// NewZones returns an empty set of zones.
func NewZones() *Zones {
	return &Zones{named: map[string]*Zone{}, unknown: map[string]error{}, fixed: map[int]*Zone{}}
}

// Named returns the zone of an IANA name. A name that is none is an error; "Local" is one, because it means something else on every machine.
func (z *Zones) Named(name string) (*Zone, error) {
	z.mu.RLock()
	zone, err := z.named[name], z.unknown[name]
	z.mu.RUnlock()
	if zone != nil || err != nil {
		return zone, err
	}
	loc, err := loadLocation(name)
	z.mu.Lock()
	defer z.mu.Unlock()
	if err != nil {
		if len(z.unknown) < maxUnknownZones {
			z.unknown[strings.Clone(name)] = err
		}
		return nil, err
	}
	if zone = z.named[name]; zone == nil {
		zone = &Zone{name: strings.Clone(name), loc: loc}
		z.named[zone.name] = zone
	}
	return zone, nil
}

func loadLocation(name string) (*time.Location, error) {
	const longest = 64 // bytes; the database's own are below 40
	if name == "" || name == "Local" || len(name) > longest {
		return nil, fmt.Errorf("%.80q is no IANA time zone; an example of one is Asia/Jakarta", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no IANA time zone; an example of one is Asia/Jakarta", name)
	}
	return loc, nil
}

// Fixed returns the zone that is a number of minutes ahead of UTC, always. More than MaxOffsetMinutes either way is an error.
func (z *Zones) Fixed(offsetMinutes int) (*Zone, error) {
	if offsetMinutes < -MaxOffsetMinutes || offsetMinutes > MaxOffsetMinutes {
		return nil, fmt.Errorf("an offset of %d minutes is not within %d hours of UTC", offsetMinutes, MaxOffsetMinutes/60)
	}
	z.mu.RLock()
	zone := z.fixed[offsetMinutes]
	z.mu.RUnlock()
	if zone != nil {
		return zone, nil
	}
	sign, m := '+', offsetMinutes
	if m < 0 {
		sign, m = '-', -m
	}
	name := fmt.Sprintf("UTC%c%02d:%02d", sign, m/60, m%60)
	z.mu.Lock()
	defer z.mu.Unlock()
	if zone = z.fixed[offsetMinutes]; zone == nil {
		zone = &Zone{name: name, loc: time.FixedZone(name, offsetMinutes*60)}
		z.fixed[offsetMinutes] = zone
	}
	return zone, nil
}

// Seen is the UTC offset of an event of a CID, and when that was.
type Seen struct {
	Unix          int64
	OffsetMinutes int
}

// Resolve returns the zone to plan a CID's day in, and where it came from. profile and seen may be nil; app is the app's zone. How long an offset
// counts as recent is for the caller to say, by leaving it out.
//
// The last offset seen decides. A profile's zone that had this offset at that moment is confirmed by it. Another offset means that the CID has
// travelled: then it is the app's zone if that had this offset, because a named zone knows its daylight saving, and otherwise the fixed offset.
// Without an offset, or with one that no zone has, it is the profile's zone, and without that, the app's.
func (z *Zones) Resolve(profile *Zone, seen *Seen, app *Zone) (*Zone, ZoneFrom) {
	if seen != nil {
		offset := seen.OffsetMinutes * 60
		switch {
		case profile != nil && profile.OffsetSeconds(seen.Unix) == offset:
			return profile, FromProfile
		case app.OffsetSeconds(seen.Unix) == offset:
			return app, FromOffsets
		}
		if fixed, err := z.Fixed(seen.OffsetMinutes); err == nil {
			return fixed, FromOffsets
		}
	}
	if profile != nil {
		return profile, FromProfile
	}
	return app, FromApp
}
