package plan

import "slices"

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

// AddNone counts n CIDs without a window.
func (h *Histogram) AddNone(n uint64) { h.none += n }

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
