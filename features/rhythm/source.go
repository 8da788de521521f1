package rhythm

import (
	"slices"

	"whowhen.dev/whowhen/segments"
)

// Source says which events tell of rhythms, and where the zone and the country of a CID stand. Events and attributes that the app
// does not know tell nothing.
type Source struct {
	// Engaged are the events that are activity, Received those of messages that came, Displayed those of messages that were seen, and Clicked
	// those of messages that were answered. What is both activity and a click is read once, as both.
	Engaged, Received, Displayed, Clicked []string
	// ZoneAttribute is a string attribute with an IANA zone, for events without a UTC offset of their own; CountryAttribute one with
	// a country. Either may be empty.
	ZoneAttribute, CountryAttribute string
}

// DefaultAttributes returns the attributes that tell a CID's zone and country: the first of some names that the app has with text in it, or "".
func DefaultAttributes(v *segments.View) (zone, country string) {
	first := func(names ...string) string {
		for _, name := range names {
			if v.AttributeType(name) == "string" {
				return name
			}
		}
		return ""
	}
	return first("zone", "timezone", "time_zone", "tz"), first("country", "country_code")
}

// DefaultSource reads what every delivery layer reports: opens and clicks are activity, and what was sent is taken to have come.
func DefaultSource() Source {
	return Source{Engaged: []string{"open", "push.clicked"}, Received: []string{"push.sent"}, Displayed: []string{"push.displayed"}, Clicked: []string{"push.clicked"}}
}

// Tells says whether the app knows any of the events that are activity.
func (s *Source) Tells(v *segments.View) bool {
	return slices.ContainsFunc(s.Engaged, v.KnowsEvent)
}

// kinds calls do with every event of the source and what it tells.
func (s *Source) kinds(do func(name string, k Kind) error) error {
	for kind, names := range [][]string{Engaged: s.Engaged, Received: s.Received, Displayed: s.Displayed, Clicked: s.Clicked} {
		for _, name := range names {
			k := Kind(kind)
			switch {
			case k == Engaged && slices.Contains(s.Clicked, name):
				continue // it comes as Clicked
			case k == Clicked && !slices.Contains(s.Engaged, name):
				k = ClickedOnly
			}
			if err := do(name, k); err != nil {
				return err
			}
		}
	}
	return nil
}
