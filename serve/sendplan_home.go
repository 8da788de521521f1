package serve

import (
	"slices"
	"strings"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/plan"
)

const (
	// recentHours is for how long an offset that was seen counts against a profile: a traveller may have come home since. Where there is no profile it is all
	// that is known, however old.
	recentHours = rhythm.OffsetDays * 24
	// maxKeptCodes bounds the codes of attributes of which it is kept what they mean. Where an attribute has more values, those that came later are
	// looked up for each CID.
	maxKeptCodes = 1 << 16
	// maxKeptChanges bounds the changes of offset with which zones are looked up once: some 15 in the years that an offset may be old, 30 where clocks are
	// changed for Ramadan, too.
	maxKeptChanges = 40
)

// homes tells where CIDs live by their attributes and the offsets that were seen of them, and keeps what it has found out. It belongs to one goroutine.
type homes struct {
	plan   *sendPlan
	zones  []*profileZone // by code + 1, so that the first is of who has none
	byZone map[*plan.Zone]*profileZone
	places []*place // by code + 1
	// numbers are of what the policy tells apart of places, which it bounds.
	numbers map[string]int
	rests   map[restKey]*rest
}

// profileZone is what a profile says of a CID's zone, which may be nothing.
type profileZone struct {
	zone *plan.Zone
	// changes are those of its offset and of that of the app's zone for as long as offsets count. When there are too many, kept is false.
	changes []int64
	kept    bool
	// atHome is the code of its offset if that has not changed in that time, and that of one that was never seen otherwise.
	atHome        uint8
	offsetMinutes int16 // now
	unseen        *abode
	seen          map[seenKey]*abode
	// targets are those of unseen by the code of the country + 1, 0 where none is known yet.
	targets []uint16
}

// seenKey is an offset that was seen, by its code, and after how many changes.
type seenKey struct {
	offset uint8
	after  uint8
}

// abode is where a CID lives as far as that is known: by which clock.
type abode struct {
	zone *plan.Zone // the app's where nothing is known
	from plan.ZoneFrom
	// targets are numbers of a plan.Tally by place.number; 0 where none is known yet.
	targets []uint16
}

// place is what a profile says of a CID's country.
type place struct {
	name    string
	number  int // of what the policy tells apart
	country int // of the model
}

// restKey is what the model can tell apart of those of whom nothing else is known.
type restKey struct {
	offsetMinutes int16
	zoned         bool
	country       int
}

func (p *sendPlan) newHomes() *homes {
	h := &homes{plan: p, byZone: map[*plan.Zone]*profileZone{}, numbers: map[string]int{"": 0}, rests: map[restKey]*rest{}, places: []*place{{country: sendtime.NoCountry}}}
	h.zones = []*profileZone{h.newZone(nil)}
	return h
}

// zoneOf returns the zone of a profile that has a code of the attribute, or segments.NoCode.
func (h *homes) zoneOf(code uint32) *profileZone {
	if at := code + 1; at < uint32(len(h.zones)) && h.zones[at] != nil {
		return h.zones[at]
	}
	return h.newZoneOf(code)
}

func (h *homes) newZoneOf(code uint32) *profileZone {
	p := h.plan
	zone, _ := p.zones.Named(p.view.AttributeText(p.zone, int64(code))) // what is no zone is as if there were none
	z := h.zones[0]
	if zone != nil {
		if z = h.byZone[zone]; z == nil {
			z = h.newZone(zone)
			h.byZone[zone] = z
		}
	}
	if code < maxKeptCodes {
		h.zones = keep(h.zones, code+1, z)
	}
	return z
}

func keep[T any](list []T, at uint32, v T) []T {
	if n := uint32(len(list)); n <= at {
		list = append(list, make([]T, at+1-n)...)
	}
	list[at] = v
	return list
}

func (h *homes) newZone(zone *plan.Zone) *profileZone {
	p := h.plan
	z := &profileZone{zone: zone, kept: true, atHome: hours.NoOffset, seen: map[seenKey]*abode{}, unseen: h.abodeOf(zone, nil)}
	now, oldHours := p.nowHour*secondsPerHour, int64(recentHours)
	if zone == nil {
		oldHours = hours.MaxSeenHours + 48 // they were computed a day or two ago
	}
	for _, of := range []*plan.Zone{zone, p.app} {
		if of == nil {
			continue
		}
		changes, ok := of.Changes(now-(oldHours+1)*secondsPerHour, now+secondsPerHour, maxKeptChanges)
		z.kept = z.kept && ok
		z.changes = append(z.changes, changes...)
		if of == zone && ok && len(changes) == 0 {
			if code, ok := hours.OffsetCode(zone.OffsetSeconds(now)); ok {
				z.atHome = code
			}
		}
	}
	slices.Sort(z.changes)
	if zone != nil {
		z.offsetMinutes = int16(zone.OffsetSeconds(now) / 60)
	}
	return z
}

func (h *homes) abodeOf(zone *plan.Zone, seen *plan.Seen) *abode {
	a := &abode{}
	a.zone, a.from = h.plan.zones.Resolve(zone, seen, h.plan.app)
	return a
}

// isHome says whether an offset, by its code, says nothing that the profile does not: it was never seen, or confirms the zone.
func (z *profileZone) isHome(offset uint8) bool {
	return offset == hours.NoOffset || offset == z.atHome
}

// abodeIn returns where a CID lives with a profile of this zone, by columns 4 and 5 of its best hours.
func (h *homes) abodeIn(z *profileZone, offset uint8, seenHour uint16) *abode {
	if z.isHome(offset) {
		return z.unseen
	}
	hour := hours.Seen(seenHour, h.plan.nowHour)
	if z.zone != nil && h.plan.nowHour-hour > recentHours {
		return z.unseen
	}
	minutes, _ := hours.Offset(offset)
	seen := &plan.Seen{Unix: hour*secondsPerHour + secondsPerHour/2, OffsetMinutes: minutes}
	if !z.kept {
		return h.abodeOf(z.zone, seen)
	}
	key := seenKey{offset: offset}
	for _, change := range z.changes {
		if change <= seen.Unix {
			key.after++
		}
	}
	a := z.seen[key]
	if a == nil {
		a = h.abodeOf(z.zone, seen)
		z.seen[key] = a
	}
	return a
}

// placeOf returns the country of a profile that has a code of the attribute, or segments.NoCode.
func (h *homes) placeOf(code uint32) *place {
	if at := code + 1; at < uint32(len(h.places)) && h.places[at] != nil {
		return h.places[at]
	}
	return h.newPlaceOf(code)
}

func (h *homes) newPlaceOf(code uint32) *place {
	p := h.plan
	text := p.view.AttributeText(p.country, int64(code))
	found := &place{name: strings.ToUpper(text), country: sendtime.NoCountry}
	if i, ok := p.countries[text]; ok {
		found.country = i
	}
	canonical := p.planner.Place(found.name)
	number, known := h.numbers[canonical]
	if !known {
		number = len(h.numbers)
		h.numbers[canonical] = number
	}
	found.number = number
	if code < maxKeptCodes {
		h.places = keep(h.places, code+1, found)
	}
	return found
}

// restOf is what the model says of one of whom nothing is known but its profile.
func (h *homes) restOf(z *profileZone, l *place) *rest {
	key := restKey{z.offsetMinutes, z.zone != nil, l.country}
	r := h.rests[key]
	if r == nil {
		fresh := restOf(h.plan.predictor, key.offsetMinutes, key.zoned, key.country)
		r = &fresh
		h.rests[key] = r
	}
	return r
}
