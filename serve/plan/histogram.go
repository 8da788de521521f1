package plan

import (
	"math/bits"
	"slices"
)

// quarterSeconds is a quarter of an hour.
const quarterSeconds = 900

// Histogram counts CIDs by quarter hour of UTC and zone: what a campaign tool draws. It belongs to one goroutine; histograms of several are
// merged. The zero value is ready.
type Histogram struct {
	zones  map[*Zone]*zoneCounts
	last   *Zone // the zone added to last, and its counts
	counts *zoneCounts
	none   uint64
}

// zoneCounts are the counts of successive quarters. A message's range bounds their number.
type zoneCounts struct {
	first    int64 // the quarter, since 1970, that quarters[0] is of
	quarters []uint64
}

// Add counts an answer in the quarter that its message is sent in. One without a window counts apart.
func (h *Histogram) Add(a *Answer) {
	if !a.Found() {
		h.none++
		return
	}
	h.AddAt(a.Zone, a.SendAtUnix, 1)
}

// AddWindow counts n CIDs of a zone that share a window, spread evenly over it as their send times are. It is how a whole audience is counted
// without planning for each: CIDs with the same zone, place and curve share a window.
func (h *Histogram) AddWindow(zone *Zone, w Window, n uint64) {
	width := uint64(max(1, w.EndUnix-w.StartUnix))
	var before uint64 // how many are sent to before the quarter
	for at := w.StartUnix; at < w.EndUnix; {
		next := min(w.EndUnix, floorTo(at, quarterSeconds)+quarterSeconds)
		// Of n, this many are sent to before next: n * (next - start) / width, without overflow, since the quotient is at most n.
		high, low := bits.Mul64(n, uint64(next-w.StartUnix))
		until, _ := bits.Div64(high, low, width)
		if until > before {
			h.AddAt(zone, at, until-before)
		}
		at, before = next, until
	}
}

// maxQuarters bounds what the times of one zone's counts may span, a little more than twice the longest range of a message.
const maxQuarters = 64 * 96

// AddAt counts n CIDs of a zone at an instant. Instants more than 64 days from those counted before are counted as without a window, because no
// message has both.
func (h *Histogram) AddAt(zone *Zone, unix int64, n uint64) {
	if h.last != zone || h.counts == nil {
		h.last, h.counts = zone, h.of(zone)
	}
	c, quarter := h.counts, floorTo(unix, quarterSeconds)/quarterSeconds
	if len(c.quarters) == 0 {
		c.first = quarter
	}
	if end := c.first + int64(len(c.quarters)); max(end, quarter+1)-min(c.first, quarter) > maxQuarters {
		h.none += n
		return
	}
	if quarter < c.first {
		c.quarters = append(make([]uint64, c.first-quarter), c.quarters...)
		c.first = quarter
	}
	for int64(len(c.quarters)) <= quarter-c.first {
		c.quarters = append(c.quarters, 0)
	}
	c.quarters[quarter-c.first] += n
}

func (h *Histogram) of(zone *Zone) *zoneCounts {
	if h.zones == nil {
		h.zones = map[*Zone]*zoneCounts{}
	}
	c := h.zones[zone]
	if c == nil {
		c = &zoneCounts{}
		h.zones[zone] = c
	}
	return c
}

// Merge adds the counts of another histogram.
func (h *Histogram) Merge(other *Histogram) {
	h.none += other.none
	for zone, c := range other.zones {
		for i, n := range c.quarters {
			if n > 0 {
				h.AddAt(zone, (c.first+int64(i))*quarterSeconds, n)
			}
		}
	}
}

// NoWindow returns how many CIDs have no window.
func (h *Histogram) NoWindow() uint64 { return h.none }

// QuarterCount is how many CIDs are sent to in the quarter hour that starts at StartUnix.
type QuarterCount struct {
	StartUnix int64
	Count     uint64
}

// Quarters returns the quarter hours that anyone is sent to in, in order.
func (h *Histogram) Quarters() []QuarterCount {
	sum := map[int64]uint64{}
	for _, c := range h.zones {
		for i, n := range c.quarters {
			if n > 0 {
				sum[(c.first+int64(i))*quarterSeconds] += n
			}
		}
	}
	all := make([]QuarterCount, 0, len(sum))
	for start, n := range sum {
		all = append(all, QuarterCount{start, n})
	}
	slices.SortFunc(all, func(a, b QuarterCount) int { return int(a.StartUnix - b.StartUnix) })
	return all
}

// ZoneCount is how many CIDs have a window in a zone.
type ZoneCount struct {
	Zone  *Zone
	Count uint64
}

// Zones returns the counts by zone, largest first, equal ones by name.
func (h *Histogram) Zones() []ZoneCount {
	all := make([]ZoneCount, 0, len(h.zones))
	for zone, c := range h.zones {
		z := ZoneCount{Zone: zone}
		for _, n := range c.quarters {
			z.Count += n
		}
		if z.Count > 0 {
			all = append(all, z)
		}
	}
	slices.SortFunc(all, func(a, b ZoneCount) int {
		switch {
		case a.Count > b.Count:
			return -1
		case a.Count < b.Count:
			return 1
		case a.Zone.name < b.Zone.name:
			return -1
		case a.Zone.name > b.Zone.name:
			return 1
		}
		return 0
	})
	return all
}
