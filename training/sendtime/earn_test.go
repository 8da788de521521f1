package sendtime

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html/template"
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/features/weekend"
	model "whowhen.dev/whowhen/models/sendtime"
)

var update = flag.Bool("update", false, "write the pictures under testdata anew")

// policy is how an hour is chosen.
type policy int

const (
	fixedHour policy = iota
	zonesHour
	theHabit
	theClicks
	theOracle
	policies
)

func (p policy) String() string {
	return [...]string{"17:00 UTC", "the zone's hour", "the habit", "the click model", "the oracle"}[p]
}

// earn returns what share of its messages each policy expects to be answered: of four, one every other day from a day on, everything before that day
// being known. The messages of a policy tire as well.
func (s *simulated) earn(t *testing.T, from int32) (earned [policies]float64) {
	t.Helper()
	const messages = 4
	data, told := s.learn(from)
	m, err := model.Fit(context.Background(), data, model.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FitClick(context.Background(), told, model.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	habit := *m
	habit.Click = nil
	for i := range s.people {
		p := &s.people[i]
		cursor := rhythm.NewCursor(s.events[i])
		state := cursor.Before(from)
		var sent []int32
		for k := range int32(messages) {
			day := from + campaignEvery*k
			q := questionOf(state, day)
			q.Ahead = k > 0
			var a model.Answer
			m.Predict(history(state), &q, &a)
			var worth [policies][model.Hours]float64
			worth[fixedHour][((17*60+int(p.at(day)))/60+model.Hours)%model.Hours] = 1
			worth[zonesHour] = m.Curves.OfZone(&q).On(&q)
			habit.Engagement(history(state), &q, &a, &worth[theHabit])
			m.Engagement(history(state), &q, &a, &worth[theClicks])
			tired := p.tired(day, sent...)
			for h := range model.Hours {
				worth[theOracle][h] = p.engagement(day, h, tired)
			}
			for by := range policies {
				best := 0
				for h, v := range worth[by] {
					if v > worth[by][best] {
						best = h
					}
				}
				earned[by] += worth[theOracle][best] / float64(len(s.people)*messages)
			}
			sent = append(sent, day)
		}
	}
	return earned
}

func questionOf(s *rhythm.State, day int32) model.Question {
	return model.Question{Day: day, Weekend: weekend.Days(0).Has(day), OffsetMinutes: s.OffsetMinutes, Zoned: s.Seen, Country: model.NoCountry}
}

// learn gathers what a model is fitted to before a day, and the messages that it is taught by.
func (s *simulated) learn(before int32) (d model.Data, told []model.MessageSample) {
	const lastDays = 40 // that habits are learnt from
	sums := model.NewCurveSums(nil)
	for _, events := range s.events {
		cursor, messaged := rhythm.NewCursor(events), rhythm.NewCursor(events)
		for _, a := range rhythm.ActiveDays(events, nil) {
			if a.Day >= before-lastDays && a.Day < before-1 {
				state := cursor.Before(a.Day)
				d.Near = append(d.Near, model.Sample{History: *history(state), Question: questionOf(state, a.Day), Hours: a.Hours})
			}
		}
		messages := rhythm.AppendMessages(nil, events, int64(before)*86400-12*3600)
		d.Delays = rhythm.AppendDelays(d.Delays, messages)
		for _, m := range messages {
			state := messaged.Before(m.Day())
			told = append(told, model.MessageSample{History: *history(state), Question: questionOf(state, m.Day()), Hour: m.Hour(), Answered: m.Answered})
		}
		state := cursor.Before(before)
		sums.Add(history(state), questionOf(state, before))
	}
	d.Curves = sums.Curves()
	return d, told
}

// TestWhatTheModelEarns shows, where the truth is known, how much more often messages are answered at the hours that the model chooses.
func TestWhatTheModelEarns(t *testing.T) {
	days := []int{0, 3, 7, 14, 30, 90, 180, 365}
	if testing.Short() {
		days = days[:5]
	}
	s := newSimulated(1, 400)
	lived := 0
	var earned [][policies]float64
	for _, n := range days {
		for ; lived < n; lived++ {
			s.live(simulatedFirst + int32(lived))
		}
		e := s.earn(t, simulatedFirst+int32(n))
		earned = append(earned, e)
		line := fmt.Sprintf("after %3d days:", n)
		for by, v := range e {
			line += fmt.Sprintf("  %s %.4f", policy(by), v)
			if v > e[theOracle]+1e-12 {
				t.Errorf("after %d days %s earns more than the oracle", n, policy(by))
			}
		}
		t.Log(line)
		if n < 30 {
			continue
		}
		if h := e[theHabit]; h < e[zonesHour]*1.1 || h-e[fixedHour] < 0.5*(e[theOracle]-e[fixedHour]) {
			t.Errorf("after %d days the habit earns too little", n)
		}
		if e[theClicks] < e[theHabit]*0.99 || n >= 90 && e[theClicks] < e[theHabit]*1.05 {
			t.Errorf("after %d days the click model earns too little", n)
		}
	}
	if !testing.Short() {
		comparePicture(t, "testdata/simulation.svg", earnings(days, earned))
	}
}

// TestClicksDoNoHarm: where people answer just when they are active, the click model earns what the habit does.
func TestClicksDoNoHarm(t *testing.T) {
	const days = 60
	s := newSimulated(2, 200)
	for i := range s.people {
		s.people[i].busy = false
	}
	for day := range int32(days) {
		s.live(simulatedFirst + day)
	}
	if e := s.earn(t, simulatedFirst+days); e[theClicks] < e[theHabit]*0.97 {
		t.Errorf("the click model earns %.4f, the habit %.4f", e[theClicks], e[theHabit])
	}
}

// earnings draws what each policy earns.
func earnings(days []int, earned [][policies]float64) *picture {
	top := 0.0
	for _, e := range earned {
		top = max(top, e[theOracle]*1.1)
	}
	p := newPlane(picture{Title: "What the right hour earns", Axes: "across: days of data; up: messages answered"}, 620, 340, 0, float64(len(days))+0.3, top)
	p.ticks(nil, roundSteps(top, 5), nil, percent)
	for i, n := range days {
		p.Texts = append(p.Texts, text{p.x(float64(i)), p.y(0) + 14, "middle", fmt.Sprint(n)})
	}
	for k := range policies {
		xs, ys := make([]float64, len(days)), make([]float64, len(days))
		for i := range days {
			xs[i], ys[i] = float64(i), earned[i][k]
		}
		p.curve(fmt.Sprintf("p%d", k), xs, ys)
		p.Texts = append(p.Texts, text{p.x(xs[len(xs)-1]) + 6, p.y(ys[len(ys)-1]) + 4, "start", k.String()})
	}
	p.Texts = append(p.Texts, text{p.x(float64(len(days)-1) / 2), p.H - 4, "middle", p.Axes})
	return p.picture
}

// comparePicture compares a picture with a file, or writes it there.
func comparePicture(t *testing.T, path string, p *picture) {
	t.Helper()
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.W}} {{.H}}" font-family="sans-serif" font-size="11">
<title>{{.Title}}</title><style>.grid{stroke:#ddd}path{fill:none;stroke-width:2.2}.p0{stroke:#7a8590}.p1{stroke:#c96a12}.p2{stroke:#1f66c7}.p3{stroke:#8a3fb0}.p4{stroke:#23804a;stroke-dasharray:5 4}</style><rect width="100%" height="100%" fill="#fff"/>
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
