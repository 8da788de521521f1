package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/serve/plan"
)

// crowd are CIDs with habits, and where they live.
type crowd struct {
	others  plan.Others
	habits  []plan.Habit
	zones   []*plan.Zone
	places  []string
	targets [plan.BlockCIDs]uint16
	hours   [2]*[plan.BlockCIDs]uint16
}

// draw makes a crowd whose habits are often equal in something: hours beside each other, and chances that some share.
func draw(r *rand.Rand, zones []*plan.Zone, places []string, n int) *crowd {
	c := &crowd{hours: [2]*[plan.BlockCIDs]uint16{new([plan.BlockCIDs]uint16), new([plan.BlockCIDs]uint16)}}
	for class := range c.others {
		for hour := range c.others[class] {
			c.others[class][hour] = uint16(r.IntN(1+r.IntN(plan.MaxOther)) / (1 + 500*r.IntN(2)))
		}
	}
	chances := []uint32{plan.HabitCertain / 3, plan.HabitCertain / 5, plan.HabitCertain/5 + 1, plan.HabitCertain / 90}
	about := r.IntN(24)
	for i := range n {
		h := plan.Habit{Others: &c.others}
		for class := range h.Hour {
			chance := chances[r.IntN(len(chances))]
			for k := range h.Hour[class] {
				hour := r.IntN(24)
				if r.IntN(2) == 0 {
					hour = (about + r.IntN(4)) % 24
				}
				h.Hour[class][k], h.Chance[class][k] = uint8(hour), chance
				c.hours[class][i] |= uint16(hour) << (5 * k)
				chance = chance/5*uint32(2+r.IntN(3)) - 1
			}
		}
		c.habits = append(c.habits, h)
		c.zones, c.places = append(c.zones, zones[r.IntN(len(zones))]), append(c.places, places[r.IntN(len(places))])
	}
	return c
}

const firstOrdinal = 77 * plan.BlockCIDs

// planned counts the answers of a Worker.
func (c *crowd) planned(p *plan.Planner) *plan.Histogram {
	var h plan.Histogram
	w := p.Worker()
	var a plan.Answer
	var curve plan.Curve
	for i := range c.habits {
		c.habits[i].Curve(&curve)
		w.Plan(&plan.Subject{CID: fmt.Sprint(i), Ordinal: uint32(firstOrdinal + i), Known: true, Zone: c.zones[i], ZoneFrom: plan.FromProfile, Place: c.places[i], Curve: &curve}, &a)
		if !a.Found() {
			h.AddNone(1)
			continue
		}
		h.AddAt(a.Zone, a.SendAtUnix, 1)
	}
	return &h
}

// tallied counts as a Tally does, and how many it counted at once; with each it counts one by one only.
func (c *crowd) tallied(p *plan.Planner, each bool) (h *plan.Histogram, atOnce int) {
	t := p.NewTally(&c.others)
	var who [plan.BlockCIDs / 64]uint64
	for i := range c.habits {
		who[i/64] |= 1 << (i % 64)
		c.targets[i] = t.Target(c.zones[i], c.places[i])
	}
	if !each {
		t.Count(firstOrdinal, &who, &c.targets, &c.hours)
	}
	var curve plan.Curve
	for i := range c.habits {
		ordinal := uint32(firstOrdinal + i)
		switch c.habits[i].Curve(&curve); {
		case who[i/64]>>(i%64)&1 == 0:
			atOnce++
		case i%5 == 1:
			t.AddFixed(t.Fix(c.targets[i], &curve), ordinal)
		case i%5 == 2:
			t.AddCurve(c.zones[i], c.places[i], ordinal, &curve)
		default:
			t.AddHabit(c.targets[i], ordinal, &c.habits[i])
		}
	}
	h = &plan.Histogram{}
	t.AddTo(h)
	return h, atOnce
}

func differ(a, b *plan.Histogram) string {
	sameZone := cmp.Comparer(func(a, b *plan.Zone) bool { return a == b })
	return cmp.Diff(a.Quarters(), b.Quarters()) + cmp.Diff(a.Zones(), b.Zones(), sameZone) + cmp.Diff(a.NoWindow(), b.NoWindow())
}

// TestTallyCountsWhatIsAnswered compares the ways to count with the answers for each CID: policies, widths, ranges and zones of all kinds, on days when the offset changes
// and others, and habits with ties.
func TestTallyCountsWhatIsAnswered(t *testing.T) {
	zones := plan.NewZones()
	var all []*plan.Zone
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo", "America/St_Johns"} {
		z, err := zones.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, z)
	}
	brought := []*plan.Policy{nil, policy(t, season), policy(t, season+"quiet_hours = []\n"), policy(t, "calendars = [\"holidays\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n[[policy.p.holiday]]\non = \"shift\"\n"+fridays)}
	library, err := plan.OpenLibrary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{plan.DefaultPolicy, "ramadan"} {
		p, err := library.Policy(name)
		if err != nil {
			t.Fatal(err)
		}
		brought = append(brought, p, p)
	}
	atOnce, of := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 5))
		at := time.Date(2026, 1, 1+r.IntN(365), r.IntN(24), 0, 0, 0, time.UTC).Unix()
		if r.IntN(3) == 0 {
			changes, _ := all[1+r.IntN(len(all)-1)].Changes(at, at+400*86400, 9)
			if len(changes) > 0 {
				at = changes[0]
			}
		}
		s := near(t, at, r)
		if r.IntN(2) == 0 {
			s.policy = brought[r.IntN(len(brought))]
		}
		if r.IntN(3) == 0 {
			s.until = s.from + 24*3600
		}
		if r.IntN(2) == 0 {
			s.widthMinutes = 60
		}
		s.until = max(s.until, s.from+60*int64(s.widthMinutes))
		m := plan.Message{Seed: "m", From: time.Unix(s.from, 0), Until: time.Unix(s.until, 0), WidthMinutes: s.widthMinutes}
		if r.IntN(20) == 0 {
			m.Class = plan.Transactional
		}
		p, err := plan.New(m, s.policy, all[0])
		if err != nil {
			rt.Fatal(err)
		}
		c := draw(r, all, []string{"", "SA", "DE", "FR"}, 300)
		want := c.planned(p)
		one, _ := c.tallied(p, true)
		if difference := differ(want, one); difference != "" {
			rt.Fatalf("one by one, %+v: %s", m, difference)
		}
		counted, n := c.tallied(p, false)
		if difference := differ(want, counted); difference != "" {
			rt.Fatalf("at once, %+v: %s", m, difference)
		}
		atOnce, of = atOnce+n, of+len(c.habits)
	})
	t.Logf("%d of %d counted at once", atOnce, of)
	if atOnce < of/10 {
		t.Error("the quick way is hardly ever taken")
	}
}

// TestTallyOfManyTargets holds that those for whom there is no room are counted all the same.
func TestTallyOfManyTargets(t *testing.T) {
	from := instant(t, "2026-05-04T09:17:00Z")
	places := []string{"AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH", "II", "JJ"}
	p := planner(t, plan.Message{From: from, Until: from.Add(time.Hour)}, policy(t, fmt.Sprintf("[[policy.p.weekend]]\ncountries = [\"%s\"]\ndays = [\"fri\"]\n", strings.Join(places, `", "`))))
	tally := p.NewTally(new(plan.Others))
	zones, none := plan.NewZones(), 0
	for offset := range 2 * plan.MaxOffsetMinutes {
		z, err := zones.Fixed(offset - plan.MaxOffsetMinutes)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range places {
			if tally.Target(z, place) == 0 {
				none++
				tally.AddCurve(z, place, uint32(none), nil)
			}
		}
	}
	var h plan.Histogram
	tally.AddTo(&h)
	sum := uint64(0)
	for _, q := range h.Quarters() {
		sum += q.Count
	}
	if sum != uint64(none) || none < 1000 {
		t.Errorf("%d of %d", sum, none)
	}
}

// BenchmarkTally counts a block of CIDs of eight zones.
func BenchmarkTally(b *testing.B) {
	zones := plan.NewZones()
	var all []*plan.Zone
	for _, name := range []string{"Asia/Jakarta", "Asia/Kolkata", "America/Sao_Paulo", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Shanghai", "America/Mexico_City"} {
		z, err := zones.Named(name)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, z)
	}
	gentle := policy(b, "calendars = [\"holidays\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n")
	for _, bench := range []struct {
		name        string
		day         int
		days, width int
	}{{"one day", 5, 1, 60}, {"one day of two classes", 1, 1, 60}, {"a week", 5, 7, 60}, {"two hours", 5, 1, 120}} {
		b.Run(bench.name, func(b *testing.B) {
			from := time.Date(2026, 5, bench.day, 9, 17, 0, 0, time.UTC)
			p := planner(b, plan.Message{Seed: "m", From: from, Until: from.AddDate(0, 0, bench.days), WidthMinutes: bench.width}, gentle)
			c := draw(rand.New(rand.NewPCG(1, 2)), all, []string{"ID", "DE", "FR"}, plan.BlockCIDs)
			t, random := p.NewTally(&c.others), rand.New(rand.NewPCG(3, 4))
			for i := range c.habits {
				for class := range c.habits[i].Chance {
					for k := range c.habits[i].Chance[class] {
						c.habits[i].Chance[class][k] += random.Uint32N(1 << 18) // few are equal
					}
				}
				c.targets[i] = t.Target(c.zones[i], c.places[i])
			}
			var full, who [plan.BlockCIDs / 64]uint64
			for i := range full {
				full[i] = ^uint64(0)
			}
			left := 0
			for b.Loop() {
				who = full
				t.Count(0, &who, &c.targets, &c.hours)
				for i := range c.habits {
					if who[i/64]>>(i%64)&1 != 0 {
						t.AddHabit(c.targets[i], uint32(i), &c.habits[i])
						left++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/plan.BlockCIDs, "ns/CID")
			b.ReportMetric(float64(left)/float64(b.N)/plan.BlockCIDs, "left")
		})
	}
}
