package plan_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/serve/plan"
	"whowhen.dev/whowhen/serve/plan/calendar"
)

// scenario is a message, a policy and a curve, for the planner and for its twin.
type scenario struct {
	from, until  int64
	widthMinutes int
	alternatives int
	policy       *plan.Policy
	quiet        []twinQuiet
	holidays     map[int64]string
	seed         uint64
}

// differ plans in a zone both ways and returns what differs, or "".
func (s scenario) differ(z *plan.Zone, loc *time.Location) (string, error) {
	p, err := plan.New(plan.Message{Seed: "m", From: time.Unix(s.from, 0), Until: time.Unix(s.until, 0), WidthMinutes: s.widthMinutes,
		Alternatives: s.alternatives}, s.policy, z)
	if err != nil {
		return "", err
	}
	var got plan.Answer
	p.Worker().Plan(&plan.Subject{CID: fmt.Sprint("c", s.seed), Zone: z, ZoneFrom: plan.FromProfile, Place: "XX", Curve: hashed(s.seed), ActiveDays: 1}, &got)
	w := twin{loc: loc, from: s.from, until: s.until, width: int64(s.widthMinutes) * 60, step: 60, quiet: s.quiet, holidays: s.holidays, curve: hashed(s.seed)}
	for _, at := range []int64{s.from, s.until} {
		if w.wall(at)%60 != at%60 {
			w.step = 30 // Monrovia, until 1972
		}
	}
	want, reasons := w.answer(s.alternatives)
	if got.Reasons != reasons {
		return fmt.Sprintf("the reasons are %s, and should be %s", got.Reasons, reasons), nil
	}
	if len(want) == 0 {
		if got.Found() || got.Choice != (plan.Choice{}) {
			return fmt.Sprintf("there is a window, %+v, and should be none", got.Choice), nil
		}
		return "", nil
	}
	choices := append([]plan.Choice{got.Choice}, got.Alternatives...)
	if len(choices) != len(want) {
		return fmt.Sprintf("there are %d windows, and should be %d", len(choices), len(want)), nil
	}
	for i, c := range choices {
		if c.StartUnix != want[i].start || math.Abs(c.Probability-want[i].any) > 1e-6 || math.Abs(c.Engagement-want[i].mean) > 1e-6 || c.NotAfterUnix != want[i].notAfter ||
			int64(c.OffsetSeconds) != want[i].wall-want[i].start {
			return fmt.Sprintf("window %d is %+v from %s, and should be %+v from %s", i, c, time.Unix(c.StartUnix, 0).In(loc), want[i],
				time.Unix(want[i].start, 0).In(loc)), nil
		}
		if c.EndUnix != c.StartUnix+w.width || c.SendAtUnix < c.StartUnix || c.SendAtUnix >= c.EndUnix || c.NotAfterUnix < c.EndUnix {
			return fmt.Sprintf("window %d is not in order: %+v", i, c), nil
		}
	}
	return "", nil
}

// rules draws quiet hours and holidays near a range, as a policy and for the twin.
func (s *scenario) rules(t testing.TB, r *rand.Rand) {
	var text strings.Builder
	for range r.IntN(3) {
		q := twinQuiet{start: int64(r.IntN(24*4) * 15), on: []string{"shift", "best", "drop", "ignore"}[r.IntN(4)]}
		q.end = q.start + int64(15+r.IntN(60)*15)
		if q.end == q.start+24*60 {
			q.end -= 15
		}
		if q.end > q.start+24*60 {
			q.start, q.end = 22*60, 32*60
		}
		end := q.end
		if end > 24*60 {
			end -= 24 * 60
		}
		days := ""
		if r.IntN(3) == 0 {
			q.days = []time.Weekday{time.Weekday(r.IntN(7)), time.Weekday(r.IntN(7))}
			days = fmt.Sprintf("days = [%q, %q]\n", q.days[0].String(), q.days[1].String())
		}
		// Rules of the same places are added up on the days that they share.
		s.quiet = append(s.quiet, q)
		fmt.Fprintf(&text, "[[policy.p.quiet]]\nhours = [\"%02d:%02d-%02d:%02d\"]\non = %q\n%s", q.start/60, q.start%60, end/60, end%60, q.on, days)
	}
	var rows []calendar.Row
	if r.IntN(2) == 0 {
		on := []string{"avoid", "shift", "weekend"}[r.IntN(3)]
		fmt.Fprintf(&text, "[[policy.p.holiday]]\non = %q\n", on)
		s.holidays = map[int64]string{}
		for range 1 + r.IntN(2) {
			d := floorDiv(s.from, 86400) + int64(r.IntN(5)) - 1
			s.holidays[d] = on
			rows = append(rows, calendar.Row{First: dateOf(d), Last: dateOf(d), Kind: calendar.Holiday})
		}
	}
	days, err := calendar.New("days", rows)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := plan.ParsePolicies("x.toml", []byte("version = 1\n[policy.p]\ncalendars = [\"days\"]\n"+text.String()),
		map[string]*calendar.Calendar{"days": days})
	if err != nil {
		t.Fatal(err)
	}
	s.policy = policies["p"]
}

// near draws a scenario around an instant.
func near(t testing.TB, at int64, r *rand.Rand) scenario {
	s := scenario{seed: r.Uint64(), widthMinutes: []int{30, 60, 60, 60, 90, 120, 180}[r.IntN(7)], alternatives: r.IntN(4)}
	if r.IntN(50) == 0 {
		s.widthMinutes = plan.MaxWidthMinutes // the twin takes long for wide windows
	}
	s.from = at - int64(r.IntN(27*60))*60
	s.until = s.from + int64(s.widthMinutes)*60 + int64(r.IntN(40*60))*60
	if r.IntN(2) == 0 {
		s.from = floorDiv(s.from, 3600) * 3600
	}
	s.rules(t, r)
	return s
}

// TestAllTransitionsOfAllZones plans around every change of offset that any zone had or will have from 1970 to 2037, and compares each answer with
// the twin's.
func TestAllTransitionsOfAllZones(t *testing.T) {
	names, distinct := database(t)
	every := 1
	if testing.Short() {
		every = 25
	}
	const groups = 8
	zones := plan.NewZones()
	for group := range groups {
		t.Run(fmt.Sprint(group), func(t *testing.T) {
			t.Parallel()
			r, n := rand.New(rand.NewPCG(1, uint64(group))), 0
			for i, name := range names {
				if distinct[name] == nil || i%groups != group {
					continue // the same as another, or of another group
				}
				loc, err := time.LoadLocation(name)
				if err != nil {
					t.Fatal(err)
				}
				for _, at := range transitions(loc) {
					if n++; n%every == 0 {
						agree(t, zones, name, loc, near(t, at, r))
					}
				}
			}
			t.Logf("%d changes of offset", n/every)
		})
	}
}

func agree(t *testing.T, zones *plan.Zones, name string, loc *time.Location, s scenario) {
	t.Helper()
	z, err := zones.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	difference, err := s.differ(z, loc)
	if err != nil {
		t.Fatal(err)
	}
	if difference != "" {
		t.Fatalf("%s, %s to %s: %s\n%+v", name, time.Unix(s.from, 0).In(loc), time.Unix(s.until, 0).In(loc), difference, s)
	}
}

func TestFixedOffsets(t *testing.T) {
	zones := plan.NewZones()
	rapid.Check(t, func(rt *rapid.T) {
		offset := rapid.IntRange(-plan.MaxOffsetMinutes, plan.MaxOffsetMinutes).Draw(rt, "offset")
		z, err := zones.Fixed(offset)
		if err != nil {
			rt.Fatal(err)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		s := near(t, rapid.Int64Range(0, 2_145_916_800).Draw(rt, "minute")/60*60, r)
		difference, err := s.differ(z, time.FixedZone("", offset*60))
		if err != nil {
			rt.Fatal(err)
		}
		if difference != "" {
			rt.Fatal(difference)
		}
	})
	for _, offset := range []int{-plan.MaxOffsetMinutes - 1, plan.MaxOffsetMinutes + 1} {
		if _, err := zones.Fixed(offset); err == nil {
			t.Errorf("an offset of %d minutes is accepted", offset)
		}
	}
}
