package rhythm

import (
	"cmp"
	"context"
	"slices"
	"time"

	"whowhen.dev/whowhen/features/weekend"
	"whowhen.dev/whowhen/segments"
)

// Reader reads everybody's events off a view, block by block. It is one goroutine's. It takes the memory of a block: 32 bytes for each of some
// 16 million events at most, CIDs beyond being read in further turns.
type Reader struct {
	view    *segments.View
	source  Source
	appZone *time.Location
	blocks  *segments.BlockReader
	most    uint32 // events held at a time; a CID with more of them is read all the same
	zones   map[int64]*time.Location
	rests   map[int64]weekend.Days

	counts  []uint32
	starts  []uint32
	rough   []owned
	events  []Event
	persons []Person
}

type owned struct {
	who uint16
	Event
}

const mostEvents = 1 << 24

// NewReader returns a reader of a view, which fails once ctx is done, and is to be closed before the view is. The zone is that of the app.
func NewReader(ctx context.Context, v *segments.View, appZone *time.Location, s Source) *Reader {
	return &Reader{view: v, source: s, appZone: appZone, blocks: v.BlockReader(ctx), most: mostEvents, zones: map[int64]*time.Location{}, rests: map[int64]weekend.Days{},
		counts: make([]uint32, segments.BlockCIDs), starts: make([]uint32, segments.BlockCIDs+1)}
}

// Close ends the reading.
func (r *Reader) Close() { r.blocks.Close() }

// Block calls yield with the CIDs of a block that had been heard of, in their order, some at a time. What it is given is good until it
// returns.
func (r *Reader) Block(number int, yield func([]Person) error) error {
	anybody, err := r.blocks.GoTo(number)
	if err != nil || !anybody {
		return err
	}
	if err := r.who(number); err != nil {
		return err
	}
	if err := r.count(); err != nil {
		return err
	}
	for from := 0; from < len(r.persons); {
		to, total := from, uint32(0)
		for to < len(r.persons) && (to == from || total+r.counts[r.at(to)] <= r.most) {
			total += r.counts[r.at(to)]
			to++
		}
		if err := r.read(r.persons[from:to]); err != nil {
			return err
		}
		if err := yield(r.persons[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (r *Reader) at(person int) uint16 {
	return uint16(r.persons[person].Ordinal % segments.BlockCIDs)
}

// who makes out the CIDs of the block and what their profiles say.
func (r *Reader) who(number int) error {
	var everyone segments.Words
	r.blocks.Everyone(&everyone)
	r.persons = r.persons[:0]
	index := make([]int32, segments.BlockCIDs)
	everyone.Each(func(x uint16) bool {
		index[x] = int32(len(r.persons)) + 1
		r.persons = append(r.persons, Person{Ordinal: uint32(number)*segments.BlockCIDs + uint32(x), Zone: r.appZone, Country: -1})
		return true
	})
	person := func(x uint16) *Person {
		if index[x] == 0 {
			return nil
		}
		return &r.persons[index[x]-1]
	}
	err := r.blocks.HeardDays(nil, func(x uint16, day int32) {
		if p := person(x); p != nil {
			p.HeardDay = day
		}
	})
	if err != nil {
		return err
	}
	if r.source.CountryAttribute != "" {
		err := r.blocks.AttributeCodes(r.source.CountryAttribute, nil, func(x uint16, code int64) {
			if p := person(x); p != nil {
				p.Country, p.Rest = code, r.rest(code)
			}
		})
		if err != nil {
			return err
		}
	}
	if r.source.ZoneAttribute == "" {
		return nil
	}
	return r.blocks.AttributeCodes(r.source.ZoneAttribute, nil, func(x uint16, code int64) {
		if p := person(x); p != nil {
			if zone := r.zone(code); zone != nil {
				p.Zone, p.ZoneKnown = zone, true
			}
		}
	})
}

// rest returns the weekend of a country.
func (r *Reader) rest(code int64) weekend.Days {
	days, known := r.rests[code]
	if !known {
		days = weekend.Of(r.view.AttributeText(r.source.CountryAttribute, code))
		r.rests[code] = days
	}
	return days
}

// zone returns the zone that a value of the attribute names, nil if it names none.
func (r *Reader) zone(code int64) *time.Location {
	zone, known := r.zones[code]
	if !known {
		if name := r.view.AttributeText(r.source.ZoneAttribute, code); name != "" && name != "Local" {
			zone, _ = time.LoadLocation(name) // what is no zone is as good as none
		}
		r.zones[code] = zone
	}
	return zone
}

// each calls do with every day of every event of the source, the oldest first.
func (r *Reader) each(do func(d segments.EventDay, k Kind) error) error {
	return r.source.kinds(func(name string, k Kind) error {
		days := r.blocks.Days(name, -1<<31)
		for i := len(days) - 1; i >= 0; i-- {
			if err := do(days[i], k); err != nil {
				return err
			}
		}
		return nil
	})
}

// count counts everybody's events.
func (r *Reader) count() error {
	clear(r.counts)
	return r.each(func(d segments.EventDay, _ Kind) error {
		who, err := d.Who(nil)
		if err != nil {
			return err
		}
		for _, x := range who {
			r.counts[x]++
		}
		return d.More(nil, func(who []uint16, weight uint32) {
			for _, x := range who {
				r.counts[x] += weight
			}
		})
	})
}

// read gives persons their events.
func (r *Reader) read(persons []Person) error {
	var members segments.Words
	zones := make(map[uint16]*time.Location)
	for i := range persons {
		x := uint16(persons[i].Ordinal % segments.BlockCIDs)
		members.Set(x)
		if persons[i].ZoneKnown {
			zones[x] = persons[i].Zone
		}
	}
	r.rough = r.rough[:0]
	err := r.each(func(d segments.EventDay, k Kind) error {
		return d.Rows(&members, false, func(rows segments.EventRows) {
			seconds, who := rows.Seconds(), rows.Who()
			rows.OwnOffset(func(row int, minutes int16, own bool) {
				x := who[row]
				if !members.Has(x) {
					return
				}
				if zone := zones[x]; !own && zone != nil {
					minutes = offsetAt(zone, seconds[row])
				} else if !own {
					minutes = offsetAt(r.appZone, seconds[row])
				}
				r.rough = append(r.rough, owned{x, Event{Seconds: seconds[row], OffsetMinutes: minutes, Own: own, Kind: k}})
			})
		})
	})
	if err != nil {
		return err
	}
	r.sort()
	for i := range persons {
		x := persons[i].Ordinal % segments.BlockCIDs
		persons[i].Events = r.events[r.starts[x]:r.starts[x+1]:r.starts[x+1]]
		if !persons[i].ZoneKnown {
			follow(persons[i].Events)
		}
	}
	return nil
}

// sort puts the events in the order of CIDs, and those of each in the order of time.
func (r *Reader) sort() {
	clear(r.starts)
	for i := range r.rough {
		r.starts[int(r.rough[i].who)+1]++
	}
	for x := range segments.BlockCIDs {
		r.starts[x+1] += r.starts[x]
	}
	if cap(r.events) < len(r.rough) {
		r.events = make([]Event, len(r.rough))
	}
	r.events = r.events[:len(r.rough)]
	next := slices.Clone(r.starts)
	for i := range r.rough {
		x := r.rough[i].who
		r.events[next[x]] = r.rough[i].Event
		next[x]++
	}
	for x := range segments.BlockCIDs {
		list := r.events[r.starts[x]:r.starts[x+1]]
		if !slices.IsSortedFunc(list, byTime) {
			slices.SortFunc(list, byTime)
		}
	}
}

// byTime orders events; what happened at once is in an order that does not depend on how it was stored.
func byTime(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Seconds, b.Seconds), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.OffsetMinutes, b.OffsetMinutes))
}
