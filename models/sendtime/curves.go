package sendtime

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Curve is a probability of activity for each local hour, on a weekday and on a day of the weekend.
type Curve [2][Hours]float64

// Curves are the habits of many: of everyone, by zone and by country. In each, every CID weighs the same, however active.
type Curves struct {
	// CIDs is how many the curves are of; with none, Everyone is the prior curve.
	CIDs     float64 `json:"cids"`
	Everyone Curve   `json:"everyone"`
	// Zone has the curve of each whole hour that clocks are ahead of UTC, from -12 to 14, shrunk to everyone's; ZoneCIDs how many CIDs each is of.
	Zone     []Curve   `json:"zone"`
	ZoneCIDs []float64 `json:"zone_cids"`
	// Countries are those that have a curve, in the order of Question.Country.
	Countries   []string  `json:"countries"`
	Country     []Curve   `json:"country"`
	CountryCIDs []float64 `json:"country_cids"`
}

const (
	// FirstZoneHour is what Curves.Zone[0] is for: clocks so many hours ahead of UTC.
	FirstZoneHour = -12
	lastZone      = 14
	zones         = lastZone - FirstZoneHour + 1
	// curveCIDs is the weight of the wider curve within the narrower one, in CIDs.
	curveCIDs = 20
	// priorCIDs is that of the prior curve within everyone's.
	priorCIDs = 5
)

// zoneIndex returns which curve is for a clock so far ahead of UTC.
func zoneIndex(offsetMinutes int16) int {
	hour := int(math.Floor(float64(offsetMinutes) / 60))
	return min(max(hour, FirstZoneHour), lastZone) - FirstZoneHour
}

// PriorCurve is assumed while there is no data: people are up from morning to late evening, most active after work, and a little later at
// the weekend. It was not measured.
func PriorCurve() Curve {
	weekday := [Hours]float64{.03, .02, .01, .01, .01, .02, .05, .09, .11, .11, .11, .11, .13, .12, .11, .11, .11, .12, .14, .16, .17, .16, .12, .07}
	weekend := [Hours]float64{.05, .03, .02, .01, .01, .01, .03, .05, .09, .12, .13, .13, .13, .13, .13, .13, .13, .13, .14, .15, .16, .16, .13, .09}
	return Curve{weekday, weekend}
}

// On returns the curve of a question's class of days.
func (c *Curve) On(q *Question) [Hours]float64 { return c[q.class()] }

const (
	leastCountryCIDs = 50  // from how many CIDs on a country has a curve of its own
	mostCurves       = 400 // of countries
)

// CurveCountries returns the countries that get a curve of their own, by name: those of enough CIDs, and of too many those with most. cids has the numbers by any
// code, and name tells the name of one.
func CurveCountries(cids map[int64]int, name func(code int64) string) []string {
	numbers := map[string]int{}
	for code, n := range cids {
		if n >= leastCountryCIDs {
			numbers[name(code)] = n
		}
	}
	return largest(numbers, mostCurves)
}

// largest returns the names with the highest numbers, of equal ones those that come first by name. They are in the order of names.
func largest(numbers map[string]int, most int) []string {
	names := slices.SortedFunc(maps.Keys(numbers), func(a, b string) int {
		return cmp.Or(cmp.Compare(numbers[b], numbers[a]), cmp.Compare(a, b))
	})
	names = names[:min(len(names), most)]
	slices.Sort(names)
	return names
}

// CurveSums add up the habits of CIDs into Curves. The zero value has none.
type CurveSums struct {
	everyone curveSum
	zone     [zones]curveSum
	country  []curveSum
	names    []string
}

// curveSum adds up shares of days, one vote a CID.
type curveSum struct {
	hours [2][Hours]float64
	cids  [2]float64
}

// NewCurveSums returns sums without any CID, for these countries.
func NewCurveSums(countries []string) *CurveSums {
	return &CurveSums{names: countries, country: make([]curveSum, len(countries))}
}

// Add takes in the history of a CID, whose zone is that of the question, as is its country.
func (s *CurveSums) Add(h *History, q Question) {
	s.everyone.add(h)
	if q.Zoned {
		s.zone[zoneIndex(q.OffsetMinutes)].add(h)
	}
	if q.Country >= 0 && q.Country < len(s.country) {
		s.country[q.Country].add(h)
	}
}

func (c *curveSum) add(h *History) {
	weekend := float64(h.weekendDays())
	days := [2]float64{float64(h.activeDays()) - weekend, weekend}
	for class, n := range days {
		if n == 0 {
			continue
		}
		c.cids[class]++
		for hour := range Hours {
			count := float64(h.Weekend[hour])
			if class == 0 {
				count = float64(h.Hours[hour]) - count
			}
			c.hours[class][hour] += count / n
		}
	}
}

// curve returns the sums as probabilities, with a wider curve that weighs so many CIDs.
func (c *curveSum) curve(wider *Curve, weight float64) (out Curve) {
	for class := range out {
		for hour := range Hours {
			out[class][hour] = (c.hours[class][hour] + weight*wider[class][hour]) / (c.cids[class] + weight)
		}
	}
	return out
}

func (c *curveSum) total() float64 { return max(c.cids[0], c.cids[1]) }

// assumed is the prior curve as the other class of days bends it: what is known of weekdays says something of a weekend that nobody has seen yet.
func (c *curveSum) assumed() (bent Curve) {
	prior := PriorCurve()
	seen := c.curve(&prior, priorCIDs)
	for class := range bent {
		for hour := range Hours {
			bent[class][hour] = min(1, prior[class][hour]*seen[1-class][hour]/prior[1-class][hour])
		}
	}
	return bent
}

// Curves returns the curves of those added.
func (s *CurveSums) Curves() *Curves {
	prior := s.everyone.assumed()
	out := &Curves{CIDs: s.everyone.total(), Everyone: s.everyone.curve(&prior, priorCIDs), Countries: s.names}
	for i := range s.zone {
		out.Zone = append(out.Zone, s.zone[i].curve(&out.Everyone, curveCIDs))
		out.ZoneCIDs = append(out.ZoneCIDs, s.zone[i].total())
	}
	for i := range s.country {
		out.Country = append(out.Country, s.country[i].curve(&out.Everyone, curveCIDs))
		out.CountryCIDs = append(out.CountryCIDs, s.country[i].total())
	}
	return out
}

// OfZone returns the curve of a question's zone, everyone's where that is not known.
func (c *Curves) OfZone(q *Question) *Curve {
	if !q.Zoned {
		return &c.Everyone
	}
	return &c.Zone[zoneIndex(q.OffsetMinutes)]
}

// countryOf returns the curve of its country, the zone's where that is not known.
func (c *Curves) countryOf(q *Question) *Curve {
	if q.Country < 0 || q.Country >= len(c.Country) {
		return c.OfZone(q)
	}
	return &c.Country[q.Country]
}
