package plan_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/serve/plan"
	"whowhen.dev/whowhen/serve/plan/calendar"
)

// checkPlans plans a few CIDs under a policy and checks what must hold for every answer.
func checkPlans(t *testing.T, p *plan.Policy) {
	t.Helper()
	for i, place := range []string{"", "ID", "GB-SCT"} {
		m := plan.Message{Seed: "m", From: time.Unix(1_771_372_800+int64(i)*5000, 0), Until: time.Unix(1_771_545_600, 0), WidthMinutes: 45 + 60*i, Alternatives: 3}
		var a plan.Answer
		planner(t, m, p).Worker().Plan(&plan.Subject{CID: "c", Zone: zone(t, "Asia/Kathmandu"), Place: place, Curve: hashed(uint64(i))}, &a)
		if a.Found() != (a.EndUnix > a.StartUnix) {
			t.Fatalf("window %+v with reasons %s", a.Window, a.Reasons)
		}
		for _, c := range append([]plan.Choice{a.Choice}, a.Alternatives...) {
			if a.Found() && (c.StartUnix < m.From.Unix() || c.EndUnix > c.NotAfterUnix || c.NotAfterUnix > m.Until.Unix() || c.SendAtUnix < c.StartUnix ||
				c.SendAtUnix >= c.EndUnix || !(c.Probability >= 0 && c.Probability <= 1)) {
				t.Fatalf("%+v", c)
			}
		}
	}
}

// TestWindows is about what a sender sees, in local time.
func TestWindows(t *testing.T) {
	holidays, err := calendar.ReadCSV("days", strings.NewReader("date,country,kind\n2026-05-05,,holiday\n2026-05-05,CN,none\n2026-05-09,,working\n"))
	if err != nil {
		t.Fatal(err)
	}
	night := "[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n"
	evening := peak(map[int]float64{23: 0.5, 21: 0.2, 8: 0.1})
	morning := peak(map[int]float64{23: 0.5, 21: 0.1, 8: 0.2, 12: 0.4})
	noon := peak(map[int]float64{12: 0.5, 13: 0.4})
	for _, test := range []struct {
		name, zone, from, until string
		width                   int
		place, policy           string
		curve                   *plan.Curve
		want, reasons           string // the local start
	}{
		{"the best hour", "Asia/Jakarta", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z", 60, "", "", evening, "2026-05-04 23:00", ""},
		{"two hours", "Asia/Jakarta", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z", 120, "", "", noon, "2026-05-04 12:00", ""},
		{"a zone of 45 minutes", "Asia/Kathmandu", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z", 60, "", "", noon, "2026-05-04 12:00", ""},
		{"a zone of 30 minutes", "Asia/Kolkata", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z", 60, "", "", noon, "2026-05-04 12:00", ""},
		{"only the time itself fits", "Asia/Kolkata", "2026-05-04T00:10:00Z", "2026-05-04T01:10:00Z", 60, "", "", noon, "2026-05-04 05:40", ""},
		{"quiet, the evening before is better", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night, evening, "2026-05-04 21:00", "moved_from_quiet_hours"},
		{"quiet, the morning after is better", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night, morning, "2026-05-05 08:00", "moved_from_quiet_hours"},
		{"quiet, both sides are as good, and the evening is nearer", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night, peak(map[int]float64{23: 0.5}), "2026-05-04 21:00", "moved_from_quiet_hours"},
		{"quiet, both sides are as good, and the morning is nearer", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night, peak(map[int]float64{6: 0.5}), "2026-05-05 08:00", "moved_from_quiet_hours"},
		{"quiet, both sides are as good and as near", "Asia/Jakarta", "2026-05-04T00:00:00Z", "2026-05-04T12:00:00Z", 60, "", "[[policy.p.quiet]]\nhours = [\"12:00-15:00\"]\n", peak(map[int]float64{13: 0.5}), "2026-05-04 11:00", "moved_from_quiet_hours"},
		{"quiet, and best is elsewhere", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night + "on = \"best\"\n", morning, "2026-05-04 12:00", "moved_from_quiet_hours"},
		{"quiet, only the morning is left", "Asia/Jakarta", "2026-05-04T15:00:00Z", "2026-05-05T03:00:00Z", 60, "", night, evening, "2026-05-05 08:00", "moved_from_quiet_hours"},
		{"quiet, and dropped", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night + "on = \"drop\"\n", evening, "", "no_window,quiet_hours"},
		{"quiet, and ignored", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-06T00:00:00Z", 60, "", night + "on = \"ignore\"\n", evening, "2026-05-04 23:00", ""},
		{"quiet until the end", "Asia/Jakarta", "2026-05-04T15:00:00Z", "2026-05-05T01:30:00Z", 60, "", night, evening, "", "no_window,quiet_hours"},
		{"quiet, from half past", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-05T00:00:00Z", 60, "", "[[policy.p.quiet]]\nhours = [\"21:30-08:00\"]\n", evening, "2026-05-04 20:30", "moved_from_quiet_hours"},
		{"quiet on another weekday", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-05T00:00:00Z", 60, "", night + "days = [\"sun\"]\n", evening, "2026-05-04 23:00", ""},
		{"the night of Sunday reaches into Monday", "Asia/Jakarta", "2026-05-03T20:00:00Z", "2026-05-04T10:00:00Z", 60, "", night + "days = [\"Sunday\"]\n", peak(map[int]float64{7: 0.5}), "2026-05-04 08:00", "moved_from_quiet_hours"},
		{"quiet in another country", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-05T00:00:00Z", 60, "ID", night + "countries = [\"DE\"]\n", evening, "2026-05-04 23:00", ""},
		{"a country's rule replaces everyone's", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-05T00:00:00Z", 60, "ID", night + night + "countries = [\"ID\"]\non = \"ignore\"\n", evening, "2026-05-04 23:00", ""},
		{"a country's rule holds in its subdivisions", "Asia/Jakarta", "2026-05-04T02:00:00Z", "2026-05-05T00:00:00Z", 60, "ID-JK", night + night + "countries = [\"ID\"]\non = \"ignore\"\n", evening, "2026-05-04 23:00", ""},
		{"a holiday, allowed", "UTC", "2026-05-05T00:00:00Z", "2026-05-06T00:00:00Z", 60, "", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"allow\"\n", noon, "2026-05-05 12:00", ""},
		{"a holiday, avoided", "UTC", "2026-05-05T00:00:00Z", "2026-05-06T06:00:00Z", 60, "", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"avoid\"\n", peak(map[int]float64{12: 0.5, 3: 0.1}), "2026-05-06 03:00", "holiday"},
		{"a holiday, avoided all day", "UTC", "2026-05-05T00:00:00Z", "2026-05-06T00:00:00Z", 60, "", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"avoid\"\n", noon, "", "holiday,no_window"},
		{"no holiday there", "UTC", "2026-05-05T00:00:00Z", "2026-05-06T00:00:00Z", 60, "CN", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"avoid\"\n", noon, "2026-05-05 12:00", ""},
		{"a holiday, shifted", "UTC", "2026-05-05T00:00:00Z", "2026-05-07T00:00:00Z", 60, "", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"shift\"\n", noon, "2026-05-06 12:00", "holiday"},
		{"a holiday with a weekend's rhythm", "UTC", "2026-05-05T00:00:00Z", "2026-05-06T00:00:00Z", 60, "", "calendars = [\"days\"]\n[[policy.p.holiday]]\non = \"weekend\"\n", weekendAt(10, 18), "2026-05-05 10:00", "holiday"},
		{"a working Saturday", "UTC", "2026-05-09T00:00:00Z", "2026-05-10T00:00:00Z", 60, "", "calendars = [\"days\"]\n", weekendAt(10, 18), "2026-05-09 18:00", ""},
		{"a Saturday", "UTC", "2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z", 60, "", "", weekendAt(10, 18), "2026-05-02 10:00", ""},
		{"a Friday where it is a weekend", "UTC", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", 60, "SA", "[[policy.p.weekend]]\ncountries = [\"SA\"]\ndays = [\"fri\", \"sat\"]\n", weekendAt(10, 18), "2026-05-01 10:00", ""},
		{"the hour that does not exist", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 60, "", "", peak(map[int]float64{2: 0.5, 3: 0.1}), "2026-03-29 03:00", ""},
		{"the hour that comes twice", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 60, "", "", peak(map[int]float64{2: 0.5, 3: 0.1}), "2026-10-25 02:00", ""},
		{"half an hour that does not exist", "Australia/Lord_Howe", "2026-10-03T13:00:00Z", "2026-10-04T13:00:00Z", 30, "", "", peak(map[int]float64{2: 0.5, 3: 0.1}), "2026-10-04 02:30", ""},
		{"the day that a calendar left out", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", 60, "SA", fridays, weekendAt(12, -1), "2011-12-29 00:00", ""},
		{"before and after it", "Pacific/Apia", "2011-12-30T08:00:00Z", "2011-12-30T12:00:00Z", 120, "", "", peak(map[int]float64{23: 0.5, 0: 0.5}), "2011-12-29 23:00", ""},
		{"after sunset in Ramadan", "Asia/Riyadh", "2026-03-01T21:00:00Z", "2026-03-02T21:00:00Z", 60, "SA", season, peak(map[int]float64{12: 0.4, 18: 0.3}), "2026-03-02 18:00", "shifted_hours"},
		{"before dawn in Ramadan", "Asia/Riyadh", "2026-03-01T21:00:00Z", "2026-03-02T21:00:00Z", 60, "SA", season + "quiet_hours = []\n", peak(map[int]float64{7: 0.5, 12: 0.4}), "2026-03-02 03:00", "shifted_hours"},
		{"before dawn, but quiet", "Asia/Riyadh", "2026-03-01T21:00:00Z", "2026-03-02T21:00:00Z", 60, "SA", night + season + "quiet_hours = [\"00:00-04:00\"]\n", peak(map[int]float64{7: 0.5, 12: 0.4}), "2026-03-02 04:00", "moved_from_quiet_hours,shifted_hours"},
		{"no Ramadan where it is not kept", "Asia/Riyadh", "2026-03-01T21:00:00Z", "2026-03-02T21:00:00Z", 60, "DE", season, peak(map[int]float64{12: 0.4, 18: 0.3}), "2026-03-02 12:00", ""},
		{"no Ramadan after it", "Asia/Riyadh", "2026-03-20T21:00:00Z", "2026-03-21T21:00:00Z", 60, "SA", season, peak(map[int]float64{12: 0.4, 18: 0.3}), "2026-03-21 12:00", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			z := zone(t, test.zone)
			m := plan.Message{Seed: "m", From: instant(t, test.from), Until: instant(t, test.until), WidthMinutes: test.width}
			var a plan.Answer
			planner(t, m, policy(t, test.policy, holidays)).Worker().Plan(&plan.Subject{CID: "c", Zone: z, ZoneFrom: plan.FromProfile, Place: test.place,
				Curve: test.curve, Evidence: plan.EvidenceUser, ActiveDays: 9}, &a)
			got := ""
			if a.Found() {
				got = z.Local(a.StartUnix).Format("2006-01-02 15:04")
			}
			if got != test.want || a.Reasons.String() != test.reasons {
				t.Errorf("%s with %q, and should be %s with %q", got, a.Reasons, test.want, test.reasons)
			}
			if a.ZoneFrom != plan.FromProfile || a.Zone != z || a.Evidence != plan.EvidenceUser || a.ActiveDays != 9 {
				t.Errorf("what is passed through is %+v", a)
			}
		})
	}
}

const season = "[[policy.p.season]]\ncalendar = \"ramadan\"\ncountries = [\"SA\"]\nafter_sunset_factor = 1.2\n"

const fridays = "[[policy.p.weekend]]\ncountries = [\"SA\"]\ndays = [\"fri\"]\n"

// weekendAt is a curve with one hour for weekends and one for other days.
func weekendAt(weekend, other int) *plan.Curve {
	return curveOf(func(class, hour int) float64 {
		if class == 1 && hour == weekend || class == 0 && hour == other {
			return 0.5
		}
		return 0
	})
}

func TestTransactionalIsNow(t *testing.T) {
	from := instant(t, "2026-05-04T20:13:07Z")
	p := policy(t, "[[policy.p.quiet]]\nhours = [\"00:00-24:00\"]\non = \"drop\"\n")
	for _, test := range []struct {
		until             time.Time
		end, notAfterSecs int64
	}{{time.Time{}, 3600, 3600}, {from.Add(10 * time.Minute), 600, 600}, {from.Add(24 * time.Hour), 3600, 86400}} {
		var a plan.Answer
		m := plan.Message{From: from, Until: test.until, Class: plan.Transactional, Alternatives: 3}
		planner(t, m, p).Worker().Plan(&plan.Subject{CID: "c", Curve: peak(nil)}, &a)
		now := from.Unix()
		if a.StartUnix != now || a.SendAtUnix != now || a.EndUnix != now+test.end || a.NotAfterUnix != now+test.notAfterSecs || len(a.Alternatives) > 0 {
			t.Errorf("%+v", a)
		}
		if want := plan.NoData | plan.UnknownZone | plan.TransactionalNow; a.Reasons != want || a.Zone.Name() != "UTC" || a.ZoneFrom != plan.FromApp {
			t.Errorf("%s in %s", a.Reasons, a.Zone.Name())
		}
	}
}

func TestMessagesAreChecked(t *testing.T) {
	from := instant(t, "2026-05-04T00:00:00Z")
	for _, test := range []struct {
		m     plan.Message
		field string
	}{
		{plan.Message{From: from, Until: from}, "until"},
		{plan.Message{From: from}, "until"},
		{plan.Message{From: from, Until: from.Add(32 * 24 * time.Hour)}, "until"},
		{plan.Message{From: from, Until: from.Add(59 * time.Minute)}, "until"},
		{plan.Message{From: time.Unix(math.MinInt64/2, 0), Until: from}, "from"},
		{plan.Message{From: time.Unix(math.MaxInt64/2, 0), Until: from}, "from"},
		{plan.Message{From: from, Until: from.Add(time.Hour), WidthMinutes: -1}, "width_minutes"},
		{plan.Message{From: from, Until: from.Add(time.Hour), WidthMinutes: 1441}, "width_minutes"},
		{plan.Message{From: from, Until: from.Add(time.Hour), Alternatives: 25}, "alternatives"},
		{plan.Message{From: from, Until: from.Add(time.Hour), Class: 2}, "class"},
	} {
		_, err := plan.New(test.m, nil, zone(t, "UTC"))
		var fault *plan.FieldError
		if !errors.As(err, &fault) || fault.Field != test.field {
			t.Errorf("%+v: %v", test.m, err)
		}
	}
	if _, err := plan.New(plan.Message{}, nil, nil); err == nil {
		t.Error("no zone of the app is accepted")
	}
}

// TestSpread checks that send times are the same each time, differ by CID and message, and fill the window evenly.
func TestSpread(t *testing.T) {
	from := instant(t, "2026-05-04T00:00:00Z")
	plans := func(seed string, n int) (at []int64, decisions map[string]bool) {
		w := planner(t, plan.Message{Seed: seed, From: from, Until: from.Add(24 * time.Hour)}, nil).Worker()
		decisions = map[string]bool{}
		var a plan.Answer
		for i := range n {
			w.Plan(&plan.Subject{CID: fmt.Sprintf("cid-%d", i), Curve: peak(map[int]float64{12: 0.5})}, &a)
			at = append(at, a.SendAtUnix-a.StartUnix)
			decisions[a.Decision.String()] = true
		}
		return at, decisions
	}
	const n = 60_000
	one, decisions := plans("one", n)
	again, _ := plans("one", n)
	two, _ := plans("two", n)
	minutes, same := [60]int{}, 0
	for i := range one {
		if one[i] != again[i] {
			t.Fatalf("CID %d is sent to at %d and at %d", i, one[i], again[i])
		}
		if one[i] == two[i] {
			same++
		}
		minutes[one[i]/60]++
	}
	if len(decisions) != n || same > 60 {
		t.Errorf("%d decisions of %d; %d send times do not depend on the message", len(decisions), n, same)
	}
	for m, count := range minutes {
		if count < n/60-200 || count > n/60+200 { // more than six standard deviations
			t.Errorf("%d of %d are sent to in minute %d", count, n, m)
		}
	}
}

func TestCurvesThatMisbehave(t *testing.T) {
	from := instant(t, "2026-05-04T00:00:00Z")
	for _, chance := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 2} {
		for _, s := range []plan.Subject{
			{Curve: curveOf(func(int, int) float64 { return chance })},
			{Any: func([]plan.Part) float64 { return chance }},
			{},
		} {
			s.CID = "c"
			var a plan.Answer
			planner(t, plan.Message{From: from, Until: from.Add(48 * time.Hour), WidthMinutes: 90}, nil).Worker().Plan(&s, &a)
			if !a.Found() || !(a.Probability >= 0 && a.Probability <= 1 && a.Engagement >= 0 && a.Engagement <= 1) || a.StartUnix != from.Unix() {
				t.Errorf("a chance of %g: %+v", chance, a)
			}
		}
	}
}

// TestAnyIsAskedAboutWhatIsAnswered hands in the formula that is used when there is none, and the mean that ranks windows, and holds that nothing is asked but what
// is answered.
func TestAnyIsAskedAboutWhatIsAnswered(t *testing.T) {
	p := policy(t, season)
	rapid.Check(t, func(rt *rapid.T) {
		from := time.Unix(rapid.Int64Range(1_771_000_000, 1_775_000_000).Draw(rt, "from"), 0)
		m := plan.Message{From: from, Until: from.Add(72 * time.Hour), WidthMinutes: rapid.IntRange(1, 1440).Draw(rt, "width"), Alternatives: 2}
		curve := hashed(rapid.Uint64().Draw(rt, "curve"))
		asked := 0
		var means []float64
		any := func(parts []plan.Part) float64 {
			asked++
			miss, sum, shares := 1.0, 0.0, 0.0
			for _, part := range parts {
				class := 0
				if part.Day.Weekend {
					class = 1
				}
				chance := min(1, curve[class][part.Like].Float()*float64(part.Factor))
				miss *= math.Pow(1-chance, float64(part.Share))
				sum, shares = sum+chance*float64(part.Share), shares+float64(part.Share)
			}
			means = append(means, sum/shares)
			return 1 - miss
		}
		w := planner(t, m, p).Worker()
		s := plan.Subject{CID: "c", Zone: zone(t, "Europe/Berlin"), Place: "SA", Curve: curve}
		var a, b plan.Answer
		w.Plan(&s, &a)
		s.Any = any
		w.Plan(&s, &b)
		if asked != 1+len(b.Alternatives) {
			rt.Fatalf("asked about %d windows for %d", asked, 1+len(b.Alternatives))
		}
		for i, c := range append([]plan.Choice{a.Choice}, a.Alternatives...) {
			other := append([]plan.Choice{b.Choice}, b.Alternatives...)[i]
			if math.Abs(c.Probability-other.Probability) > 1e-3 || math.Abs(c.Engagement-means[i]) > 1e-3 || c.Window != other.Window {
				rt.Fatalf("%+v from the hours, %+v from a function, of the mean %g", c, other, means[i])
			}
		}
	})
}

func TestResolve(t *testing.T) {
	zones := plan.NewZones()
	jakarta, london := zone(t, "Asia/Jakarta"), zone(t, "Europe/London")
	summer := instant(t, "2026-07-01T00:00:00Z").Unix()
	for _, test := range []struct {
		name    string
		profile *plan.Zone
		seen    *plan.Seen
		want    string
		from    plan.ZoneFrom
	}{
		{"nothing", nil, nil, "Europe/London", plan.FromApp},
		{"a profile", jakarta, nil, "Asia/Jakarta", plan.FromProfile},
		{"a profile, confirmed", jakarta, &plan.Seen{Unix: summer, OffsetMinutes: 420}, "Asia/Jakarta", plan.FromProfile},
		{"a traveller", jakarta, &plan.Seen{Unix: summer, OffsetMinutes: -210}, "UTC-03:30", plan.FromOffsets},
		{"a traveller where the app is", jakarta, &plan.Seen{Unix: summer, OffsetMinutes: 60}, "Europe/London", plan.FromOffsets},
		{"an offset alone", nil, &plan.Seen{Unix: summer, OffsetMinutes: 330}, "UTC+05:30", plan.FromOffsets},
		{"no offset of this world", jakarta, &plan.Seen{Unix: summer, OffsetMinutes: 99_999}, "Asia/Jakarta", plan.FromProfile},
	} {
		z, from := zones.Resolve(test.profile, test.seen, london)
		if z.Name() != test.want || from != test.from {
			t.Errorf("%s: %s from %d", test.name, z.Name(), from)
		}
	}
	for _, name := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd", strings.Repeat("a", 65)} {
		for range 2 {
			if _, err := zones.Named(name); err == nil || !strings.Contains(err.Error(), "is no IANA time zone") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	a, _ := zones.Named("Asia/Jakarta")
	if b, _ := zones.Named("Asia/Jakarta"); a != b {
		t.Error("a zone is made twice")
	}
}

func TestHistogram(t *testing.T) {
	jakarta, london := zone(t, "Asia/Jakarta"), zone(t, "Europe/London")
	var one, two plan.Histogram
	base := instant(t, "2026-05-04T00:00:00Z").Unix()
	one.AddAt(jakarta, base+900, 2)
	one.AddAt(jakarta, base-1, 1)
	one.AddAt(london, base+1799, 1)
	two.AddAt(london, base, 5)
	two.AddAt(london, base+200*86400, 1)
	two.AddNone(1)
	one.Merge(&two)
	if got := fmt.Sprint(one.Quarters()); got != fmt.Sprint([]plan.QuarterCount{{base - 900, 1}, {base, 5}, {base + 900, 3}}) {
		t.Error(got)
	}
	if z := one.Zones(); len(z) != 2 || z[0].Zone != london || z[0].Count != 6 || z[1].Count != 3 {
		t.Errorf("%+v", z)
	}
	if one.NoWindow() != 2 {
		t.Errorf("%d without a window", one.NoWindow())
	}
}
