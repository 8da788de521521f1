package plan_test

import (
	"testing"
	"time"

	"whowhen.dev/whowhen/serve/plan"
)

// TestWeekendsArePlaces: a Friday in Riyadh has the rhythm of a weekend unless a policy says otherwise, also beside others who share the planner.
func TestWeekendsArePlaces(t *testing.T) {
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	friday, sunday := day("2026-04-10"), day("2026-04-12")
	contrary := policy(t, "[[policy.p.weekend]]\ncountries = [\"SA\"]\ndays = [\"sun\"]\n")
	calm := policy(t, "[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n")
	for name, c := range map[string]struct {
		policy *plan.Policy
		rests  map[string][2]bool // by place: on Friday and on Sunday
	}{
		"no policy":  {nil, map[string][2]bool{"": {false, true}, "SA": {true, false}, "SA-01": {true, false}, "DE": {false, true}}},
		"a policy":   {calm, map[string][2]bool{"": {false, true}, "SA": {true, false}, "SA-01": {true, false}, "DE": {false, true}}},
		"a contrary": {contrary, map[string][2]bool{"": {false, true}, "SA": {false, true}, "SA-01": {false, true}, "EG": {true, false}}},
	} {
		for i, from := range []time.Time{friday, sunday} {
			w := planner(t, plan.Message{From: from, Until: from.Add(24 * time.Hour)}, c.policy).Worker()
			for place, rests := range c.rests {
				asked := false
				s := plan.Subject{CID: "c", Zone: zone(t, "UTC"), Place: place, Curve: hashed(7), Any: func(parts []plan.Part) float64 {
					asked = true
					if parts[0].Day.Weekend != rests[i] {
						t.Errorf("%s, %q: the rhythm of a weekend on %s: %v", name, place, from.Weekday(), !rests[i])
					}
					return 0.5
				}}
				var a plan.Answer
				if w.Plan(&s, &a); !asked {
					t.Errorf("%s, %q: nothing was asked", name, place)
				}
			}
		}
	}
}
