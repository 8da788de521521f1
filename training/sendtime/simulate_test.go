package sendtime

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html/template"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
)

var update = flag.Bool("update", false, "write the pictures under testdata anew")

// simulated is an app whose truth is known: people with rhythms, zones and travel, who answer messages after a while and tire of many.
type simulated struct {
	random *rand.Rand
	people []simulatedPerson
	events [][]rhythm.Event
}

type simulatedPerson struct {
	offset    int16
	habit     [2][model.Hours]float64 // on a day of the class, if there is activity
	daily     float64                 // probability of a day with activity
	appetite  float64                 // for answering a message that is seen
	delay     float64                 // hours after which half of the messages are given up
	away      int32                   // a day from which on it is elsewhere for ten days; -1 for never
	elsewhere int16
}

const (
	simulatedFirst = 20089 // a Thursday
	campaignHour   = 15    // UTC: when everybody was messaged, every fourth day
	campaignEvery  = 4
	awayDays       = 10
)

func newSimulated(seed uint64, people int) *simulated {
	s := &simulated{random: rand.New(rand.NewPCG(seed, 7))}
	offsets := []int16{-480, -300, -180, 0, 60, 180, 330, 420, 540}
	for range people {
		p := simulatedPerson{offset: offsets[s.random.IntN(len(offsets))], daily: 0.15 + 0.75*s.random.Float64(), appetite: 0.1 + 0.4*s.random.Float64(), delay: 0.5 + 2*s.random.Float64(), away: -1}
		if s.random.IntN(10) == 0 {
			p.away, p.elsewhere = s.random.Int32N(365), offsets[s.random.IntN(len(offsets))]
		}
		peaks := []float64{6 + 4*s.random.Float64(), 17 + 6*s.random.Float64(), 24 * s.random.Float64()}
		weights := []float64{s.random.Float64(), s.random.Float64(), 0.5 * s.random.Float64()}
		for class := range p.habit {
			for h := range p.habit[class] {
				v := 0.01
				for i, peak := range peaks {
					d := math.Abs(float64(h) + 0.5 - math.Mod(peak+1.5*float64(class), 24))
					d = min(d, 24-d)
					v += 0.5 * weights[i] * math.Exp(-d*d/3)
				}
				p.habit[class][h] = v
			}
		}
		s.people = append(s.people, p)
	}
	s.events = make([][]rhythm.Event, people)
	return s
}

func (p *simulatedPerson) at(day int32) int16 {
	if p.away >= 0 && day >= simulatedFirst+p.away && day < simulatedFirst+p.away+awayDays {
		return p.elsewhere
	}
	return p.offset
}

func classOf(day int32) int {
	if rhythm.IsWeekend(day) {
		return 1
	}
	return 0
}

// live makes what happens on a day.
func (s *simulated) live(day int32) {
	for i := range s.people {
		p := &s.people[i]
		var today []rhythm.Event
		happen := func(seconds int64, kind rhythm.Kind) {
			today = append(today, rhythm.Event{Seconds: seconds, OffsetMinutes: p.at(day), Kind: kind})
		}
		if s.random.Float64() < p.daily {
			for h, v := range p.habit[classOf(day)] {
				if s.random.Float64() < v {
					happen(int64(day)*86400+int64(h)*3600+s.random.Int64N(3600)-int64(p.at(day))*60, rhythm.Engaged)
				}
			}
		}
		if day%campaignEvery == 0 {
			at := int64(day)*86400 + campaignHour*3600
			happen(at, rhythm.Received)
			if s.random.Float64() < p.appetite {
				happen(at+60, rhythm.Displayed)
				happen(at+120+s.random.Int64N(1200), rhythm.Engaged)
			}
		}
		slices.SortFunc(today, func(a, b rhythm.Event) int { return cmp.Compare(a.Seconds, b.Seconds) })
		s.events[i] = append(s.events[i], today...)
	}
}

// engagement is the truth: how likely a message sent at an hour of a day is answered within a day, after so many others in the week.
func (p *simulatedPerson) engagement(day int32, hour int, messages float64) float64 {
	const tires = 0.93 // of the appetite is left after each message
	appetite := p.appetite * math.Pow(tires, messages)
	unanswered := 1.0
	for later := range model.Hours {
		v := p.habit[classOf(day+int32((hour+later)/model.Hours))][(hour+later)%model.Hours]
		unanswered *= 1 - p.daily*v*appetite/(1+float64(later)/p.delay)
	}
	return 1 - unanswered
}

// policies are how an hour is chosen.
var policies = [...]string{"17:00 UTC", "the zone's hour", "the model", "the oracle"}

// earn returns the expected engagement of each policy on a day, everything before it being known.
func (s *simulated) earn(t *testing.T, day int32) (earned [len(policies)]float64) {
	t.Helper()
	data := s.learn(day)
	m, err := model.Fit(context.Background(), data, model.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	delay := model.PriorDelay()
	for i := range s.people {
		p := &s.people[i]
		cursor := rhythm.NewCursor(s.events[i])
		state := cursor.Before(day)
		q := model.Question{Day: day, Weekend: rhythm.IsWeekend(day), OffsetMinutes: state.OffsetMinutes, Zoned: state.Seen, Country: model.NoCountry}
		var a model.Answer
		m.Predict(history(state), &q, &a)
		hours := [len(policies)]int{((17*60+int(p.at(day)))/60 + model.Hours) % model.Hours}
		zone := m.Curves.OfZone(&q).On(&q)
		best := [len(policies)]float64{}
		for h := range model.Hours {
			worth := [len(policies)]float64{1: zone[h], 2: m.Engaged(&a, &delay, h*60, 24*60), 3: p.engagement(day, h, 2)}
			for k, v := range worth {
				if k > 0 && v > best[k] {
					best[k], hours[k] = v, h
				}
			}
		}
		for k, h := range hours {
			earned[k] += p.engagement(day, h, 2) / float64(len(s.people))
		}
	}
	return earned
}

// learn gathers what a model is fitted to before a day.
func (s *simulated) learn(before int32) (d model.Data) {
	const lastDays = 40 // that are learnt from
	sums := model.NewCurveSums(nil)
	for _, events := range s.events {
		cursor := rhythm.NewCursor(events)
		for _, a := range rhythm.ActiveDays(events, nil) {
			if a.Day >= before-lastDays && a.Day < before-1 {
				state := cursor.Before(a.Day)
				q := model.Question{Day: a.Day, Weekend: rhythm.IsWeekend(a.Day), OffsetMinutes: state.OffsetMinutes, Zoned: state.Seen, Country: model.NoCountry}
				d.Near = append(d.Near, model.Sample{History: *history(state), Question: q, Hours: a.Hours})
			}
		}
		state := cursor.Before(before)
		sums.Add(history(state), model.Question{OffsetMinutes: state.OffsetMinutes, Zoned: state.Seen, Country: model.NoCountry})
	}
	d.Curves = sums.Curves()
	return d
}

// TestWhatTheModelEarns shows, where the truth is known, how much more often messages are answered at the hours that the model chooses.
func TestWhatTheModelEarns(t *testing.T) {
	days := []int{0, 3, 7, 14, 30, 90, 180, 365}
	if testing.Short() {
		days = days[:5]
	}
	s := newSimulated(1, 400)
	lived := 0
	var earned [][len(policies)]float64
	for _, n := range days {
		for ; lived < n; lived++ {
			s.live(simulatedFirst + int32(lived))
		}
		e := s.earn(t, simulatedFirst+int32(n))
		earned = append(earned, e)
		t.Logf("after %3d days: %s %.4f, %s %.4f, %s %.4f, %s %.4f", n, policies[0], e[0], policies[1], e[1], policies[2], e[2], policies[3], e[3])
		for k := range 3 {
			if e[k] > e[3]+1e-12 {
				t.Errorf("after %d days %s earns more than the oracle", n, policies[k])
			}
		}
		if n >= 30 && (e[2] < e[1]*1.05 || e[2]-e[0] < 0.7*(e[3]-e[0])) {
			t.Errorf("after %d days the model earns %.4f, the zone's hour %.4f, the oracle %.4f", n, e[2], e[1], e[3])
		}
	}
	if !testing.Short() {
		comparePicture(t, "testdata/simulation.svg", earnings(days, earned))
	}
}

// earnings draws what each policy earns.
func earnings(days []int, earned [][len(policies)]float64) *picture {
	top := 0.0
	for _, e := range earned {
		top = max(top, e[3]*1.1)
	}
	p := newPlane(picture{Title: "What the right hour earns", Axes: "across: days of data; up: messages answered"}, 560, 300, 0, float64(len(days)-1), top)
	p.ticks(nil, roundSteps(top, 5), nil, percent)
	for i, n := range days {
		p.Texts = append(p.Texts, text{p.x(float64(i)), p.y(0) + 14, "middle", fmt.Sprint(n)})
	}
	for k, name := range policies {
		xs, ys := make([]float64, len(days)), make([]float64, len(days))
		for i := range days {
			xs[i], ys[i] = float64(i), earned[i][k]
		}
		p.curve(fmt.Sprintf("p%d", k), xs, ys)
		below := 0.0
		if k == 2 {
			below = 19 // where the oracle's name does not stand
		}
		p.Texts = append(p.Texts, text{p.x(xs[len(xs)-1]), p.y(ys[len(ys)-1]) - 5 + below, "end", name})
	}
	p.Texts = append(p.Texts, text{p.x(float64(len(days)-1) / 2), p.H - 4, "middle", p.Axes})
	return p.picture
}

// comparePicture compares a picture with a file, or writes it there.
func comparePicture(t *testing.T, path string, p *picture) {
	t.Helper()
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.W}} {{.H}}" font-family="sans-serif" font-size="11">
<title>{{.Title}}</title><style>.grid{stroke:#ddd}path{fill:none;stroke-width:2.2}.p0{stroke:#7a8590}.p1{stroke:#c96a12}.p2{stroke:#1f66c7}.p3{stroke:#23804a;stroke-dasharray:5 4}</style><rect width="100%" height="100%" fill="#fff"/>
{{range .Lines}}<line class="{{.Class}}" x1="{{.X1}}" y1="{{.Y1}}" x2="{{.X2}}" y2="{{.Y2}}"/>
{{end}}{{range .Paths}}<path class="{{.Class}}" d="{{.D}}"/>
{{end}}{{range .Texts}}<text x="{{.X}}" y="{{.Y}}" text-anchor="{{.Anchor}}">{{.Text}}</text>
{{end}}</svg>
`
	var b bytes.Buffer
	if err := template.Must(template.New("svg").Parse(svg)).Execute(&b, p); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Machines that fuse multiplications and additions draw some points a hair beside.
	const hair = 1.5
	numbers := regexp.MustCompile(`[0-9]+\.?[0-9]*`)
	was, is := numbers.FindAllString(string(want), -1), numbers.FindAllString(b.String(), -1)
	same := numbers.ReplaceAllString(string(want), "0") == numbers.ReplaceAllString(b.String(), "0")
	for i := 0; same && i < len(was); i++ {
		x, err := strconv.ParseFloat(was[i], 64)
		y, err2 := strconv.ParseFloat(is[i], 64)
		same = err == nil && err2 == nil && math.Abs(x-y) <= hair
	}
	if !same {
		t.Errorf("%s is not what is drawn now: run with -update and look at it", path)
	}
}
