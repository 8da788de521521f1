package sendtime

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// evenings is a truth: how likely a message sent in an hour is answered by one with an appetite of 1.
func evenings(hour int, weekend bool) float64 {
	p := 0.08 + 0.3*math.Exp(-math.Pow(float64(hour)-18.5, 2)/18)
	if weekend {
		p += 0.2 * math.Exp(-math.Pow(float64(hour)-10, 2)/18)
	}
	return p
}

// drawMessages draws messages to people whose habits have nothing to do with when they answer, and who differ in their appetite and in the half
// of the day that is theirs, which shows in their histories.
func drawMessages(seed uint64, n int, truth func(hour int, weekend bool) float64) (samples []MessageSample) {
	random := rand.New(rand.NewPCG(seed, 1))
	for range n {
		habit := drawHabit(random)
		day := 20000 + random.Int32N(70)
		s := MessageSample{History: drawHistory(random, day, &habit, random.IntN(10)), Question: question(day), Hour: random.IntN(Hours)}
		appetite, half := 0.4+1.2*random.Float64(), random.IntN(Hours)
		own := func(hour int) float64 {
			if (hour+half)%Hours < Hours/2 {
				return 1.25 * appetite
			}
			return 0.75 * appetite
		}
		for range random.IntN(60) {
			hour := random.IntN(Hours)
			s.History.Received[hour]++
			if random.Float64() < own(hour)*truth(hour, random.IntN(7) < 2) {
				s.History.Answered[hour]++
			}
		}
		s.Answered = random.Float64() < own(s.Hour)*truth(s.Hour, s.Question.Weekend)
		samples = append(samples, s)
	}
	return samples
}

func learnClicks(t testing.TB, messages []MessageSample) *Model {
	t.Helper()
	m := Untrained(NewCurveSums(nil).Curves())
	if err := m.FitClick(context.Background(), messages, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestClicksNeedMessages(t *testing.T) {
	most := drawMessages(1, 3000, evenings)
	few := most[:leastMessages-1]
	var same []MessageSample
	for _, s := range most {
		if !s.Answered {
			same = append(same, s)
		}
	}
	for name, messages := range map[string][]MessageSample{"no messages": nil, "few messages": few, "no answers": same} {
		if m := learnClicks(t, messages); m.Clicks() {
			t.Errorf("%s: there is a click model", name)
		}
	}
	if !learnClicks(t, most).Clicks() {
		t.Error("there is none of 3000 messages")
	}
	bad := []MessageSample{{Hour: Hours}}
	if err := Untrained(NewCurveSums(nil).Curves()).FitClick(context.Background(), bad, DefaultOptions()); err == nil {
		t.Error("a message in hour 24 is taken")
	}
}

// TestClicksThatDoNotConverge: the model is as good as before, and answers by habit.
func TestClicksThatDoNotConverge(t *testing.T) {
	o := DefaultOptions()
	o.ClickPenalty = -1e12 // without a least loss
	m := Untrained(NewCurveSums(nil).Curves())
	err := m.FitClick(context.Background(), drawMessages(1, 3000, evenings), o)
	if stuck := new(NotConvergedError); !errors.As(err, &stuck) || stuck.Part != "the model of answers" {
		t.Fatalf("%v", err)
	}
	if m.Clicks() || !reflect.DeepEqual(m, Untrained(NewCurveSums(nil).Curves())) {
		t.Error("a fit that did not converge changed the model")
	}
}

// TestClicksLearnWhenMessagesAreAnswered: the curve is found, though habit says nothing of it, and also at an hour in which nothing was sent.
func TestClicksLearnWhenMessagesAreAnswered(t *testing.T) {
	const silent = 14
	var sent []MessageSample
	for _, s := range drawMessages(2, 60_000, evenings) {
		if s.Hour != silent {
			sent = append(sent, s)
		}
	}
	m := learnClicks(t, sent)
	var told, truth [2][Hours]float64
	var n [2]float64
	var a Answer
	var out [Hours]float64
	later := drawMessages(3, 4000, evenings)
	for i := range later {
		s := &later[i]
		m.Predict(&s.History, &s.Question, &a)
		m.Engagement(&s.History, &s.Question, &a, &out)
		class := s.Question.class()
		n[class]++
		for h, p := range out {
			told[class][h] += p
		}
	}
	mean := 0.0
	for class := range told {
		for h := range Hours {
			told[class][h] /= n[class]
			truth[class][h] = evenings(h, class == 1) // the mean appetite is 1
			off := math.Abs(told[class][h] - truth[class][h])
			if mean += off / (2 * Hours); off > 0.05 { // the penalty takes a little off the peaks
				t.Errorf("class %d, hour %d: %.3f, want %.3f", class, h, told[class][h], truth[class][h])
			}
		}
	}
	if mean > 0.02 {
		t.Errorf("the curves are off by %.4f in the mean", mean)
	}
	line, err := m.FitLine(context.Background(), sent)
	if err != nil {
		t.Fatal(err)
	}
	clicks, byHabit, base := 0.0, 0.0, 0.0
	habit := *m
	habit.Click = nil
	add := func(to *float64, p float64, did bool) {
		l, _ := lossOf(logOdds(p), did)
		*to += l / float64(len(later))
	}
	for i := range later {
		s := &later[i]
		m.Predict(&s.History, &s.Question, &a)
		m.Engagement(&s.History, &s.Question, &a, &out)
		add(&clicks, out[s.Hour], s.Answered)
		add(&base, m.Click.Mean, s.Answered)
		habit.Engagement(&s.History, &s.Question, &a, &out)
		add(&byHabit, line.Probability(out[s.Hour]), s.Answered)
	}
	if clicks > byHabit-0.02 || byHabit > base+0.002 {
		t.Errorf("log loss %.4f, by habit %.4f, of the mean %.4f", clicks, byHabit, base)
	}
	again := learnClicks(t, sent)
	if !reflect.DeepEqual(m, again) {
		t.Error("the same messages gave another model")
	}
}

// TestRuleSpeaksFirst: held back by a penalty that leaves nothing to learn, answers are the share of those that habit says engage.
func TestRuleSpeaksFirst(t *testing.T) {
	o := DefaultOptions()
	o.ClickPenalty, o.ClickBasePenalty, o.ClickSmooth = 1e12, 1e12, 1e12
	messages := drawMessages(4, 2000, evenings)
	m := Untrained(NewCurveSums(nil).Curves())
	if err := m.FitClick(context.Background(), messages, o); err != nil {
		t.Fatal(err)
	}
	habit := *m
	habit.Click = nil
	var a Answer
	var out, rule [Hours]float64
	for i := range messages[:50] {
		s := &messages[i]
		m.Predict(&s.History, &s.Question, &a)
		m.Engagement(&s.History, &s.Question, &a, &out)
		habit.Engagement(&s.History, &s.Question, &a, &rule)
		for h, p := range out {
			if want := probability(logOdds(m.Click.Share*rule[h]) + m.Click.Base[0]); math.Abs(p-want) > 1e-6 {
				t.Fatalf("hour %d: %v, want %v", h, p, want)
			}
		}
	}
	if math.Abs(m.Click.Base[0]) > 0.2 {
		t.Errorf("the rule is off by %v in log-odds", m.Click.Base[0])
	}
}

// TestEngagementByClicks: it is a probability whatever is known, and the more of its messages a CID answered, the higher.
func TestEngagementByClicks(t *testing.T) {
	m := learnClicks(t, drawMessages(5, 30_000, evenings))
	if c := m.Click.Base[1+clickNear:]; c[0] < 0 || c[clickRate-clickNear] < 0 {
		t.Fatalf("who answers more is told to answer less: %v", c[:2])
	}
	tell := func(h *History, q *Question) (out [Hours]float64) {
		var a Answer
		m.Predict(h, q, &a)
		m.Engagement(h, q, &a, &out)
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		h := History{
			Days: [7]uint16{0, rapid.Uint16().Draw(t, "days")}, RecentDays: rapid.Float32Range(0, 50).Draw(t, "recent"),
			LastDay: rapid.Int32().Draw(t, "last"), Lately: rapid.Float32Range(0, 1e6).Draw(t, "lately"), MessageDay: rapid.Int32().Draw(t, "message day"),
			MessageHour: rapid.Uint8().Draw(t, "message hour"), Waiting: rapid.Bool().Draw(t, "waiting"),
		}
		for i := range h.Received {
			h.Received[i] = rapid.Uint16().Draw(t, "received")
			h.Answered[i] = rapid.Uint16Range(0, h.Received[i]).Draw(t, "answered")
		}
		hour := rapid.IntRange(0, Hours-1).Draw(t, "hour")
		if h.Answered[hour] == h.Received[hour] {
			if h.Received[hour] == 0 {
				h.Received[hour]++
			} else {
				h.Answered[hour]--
			}
		}
		q := Question{Day: rapid.Int32().Draw(t, "day"), Weekend: rapid.Bool().Draw(t, "weekend"), Ahead: rapid.Bool().Draw(t, "ahead"), Country: NoCountry}
		less := tell(&h, &q)
		h.Answered[hour]++
		for i, p := range tell(&h, &q) {
			if !(p >= 0 && p <= 1) || p < less[i]-1e-12 {
				t.Fatalf("hour %d: %v, and with one answer less %v", i, p, less[i])
			}
		}
	})
}

// TestMessagesTire: who got many messages of late answers fewer, and the model finds out about how many.
func TestMessagesTire(t *testing.T) {
	const tires = 0.75
	random := rand.New(rand.NewPCG(9, 9))
	samples := drawMessages(9, 30_000, evenings)
	for i := range samples {
		s := &samples[i]
		s.History.Lately, s.History.MessageDay = 4*random.Float32(), s.Question.Day
		s.Answered = s.Answered && random.Float64() < math.Pow(tires, float64(s.History.Lately))
	}
	m := learnClicks(t, samples)
	told := map[float32]float64{}
	var a Answer
	var out [Hours]float64
	for i := range samples[:2000] {
		h := samples[i].History
		for _, lately := range []float32{0.5, 3.5} {
			h.Lately = lately
			m.Predict(&h, &samples[i].Question, &a)
			m.Engagement(&h, &samples[i].Question, &a, &out)
			told[lately] += out[samples[i].Hour]
		}
	}
	if got, want := told[3.5]/told[0.5], math.Pow(tires, 3); math.Abs(got-want) > 0.1 {
		t.Errorf("three more messages leave %.3f of the answers, want about %.3f", got, want)
	}
}

// TestModelsThatAreTakenTellProbabilities, however large the coefficients that check lets pass.
func TestModelsThatAreTakenTellProbabilities(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	coefficient := rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(-1, 1))
	rapid.Check(t, func(t *rapid.T) {
		m.Click = &Click{Mean: rapid.Float64Range(1e-300, 1-1e-16).Draw(t, "mean"), Share: rapid.Float64Range(1e-300, 1e6).Draw(t, "share"),
			Base: rapid.SliceOfN(coefficient, clickColumns+1, clickColumns+1).Draw(t, "base")}
		for h := range Hours {
			m.Click.Hour[h], m.Click.Weekend[h] = coefficient.Draw(t, "hour"), coefficient.Draw(t, "weekend")
		}
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
		h := History{Days: [7]uint16{3}, Hours: [Hours]uint16{2}, Received: [Hours]uint16{9}, Answered: [Hours]uint16{rapid.Uint16().Draw(t, "answered")}, Lately: rapid.Float32().Draw(t, "lately")}
		q := Question{Day: rapid.Int32().Draw(t, "day"), Weekend: rapid.Bool().Draw(t, "weekend"), Country: NoCountry}
		var a Answer
		var out [Hours]float64
		m.Predict(&h, &q, &a)
		m.Engagement(&h, &q, &a, &out)
		for _, p := range out {
			if !(p >= 0 && p <= 1) {
				t.Fatalf("%v", out)
			}
		}
	})
}

// TestClickDerivatives holds what the click model is fitted by against numeric derivatives.
func TestClickDerivatives(t *testing.T) {
	const step = 1e-4
	samples := drawMessages(6, 700, evenings)
	m := Untrained(NewCurveSums(nil).Curves())
	data := &clickRows{samples: samples, x: make([]float32, len(samples)*clickColumns), offset: make([]float64, len(samples))}
	seen := newMoments(clickColumns)
	var row [clickColumns]float64
	for i := range samples {
		data.offset[i] = m.messageRow(&Click{Mean: 0.2}, &samples[i], &row)
		seen.add(row[:])
		for j, v := range row {
			data.x[i*clickColumns+j] = float32(v)
		}
	}
	data.standard = seen.standard()
	r := regression{rows: data, penalty: clickPenalty(data.terms(), DefaultOptions())}
	random := rand.New(rand.NewPCG(1, 2))
	beta, gradient, up, down := make([]float64, data.terms()), make([]float64, data.terms()), make([]float64, data.terms()), make([]float64, data.terms())
	for j := range beta {
		beta[j] = 0.1 * random.NormFloat64()
	}
	r.at(beta, gradient)
	curvature := r.curvature(beta, true)
	for j := range beta {
		was := beta[j]
		beta[j] = was + step
		above := r.at(beta, up)
		beta[j] = was - step
		below := r.at(beta, down)
		beta[j] = was
		if numeric := (above - below) / (2 * step); math.Abs(numeric-gradient[j]) > 1e-3 {
			t.Errorf("slope %d is %v, numerically %v", j, gradient[j], numeric)
		}
		for i := range beta {
			if numeric := (up[i] - down[i]) / (2 * step); math.Abs(numeric-curvature.At(i, j)) > 1e-2 {
				t.Errorf("curvature %d, %d is %v, numerically %v", i, j, curvature.At(i, j), numeric)
			}
		}
	}
}

// TestTooEarlyToTell: a message that came the day before and waits counts neither way.
func TestTooEarlyToTell(t *testing.T) {
	q := question(20000)
	var a Answer
	c := &Click{Mean: 0.1}
	for _, s := range []struct {
		name    string
		h       History
		ahead   bool
		counted bool
	}{
		{"the day before", History{MessageDay: 19999, Waiting: true}, false, false},
		{"the day before, answered", History{MessageDay: 19999}, false, true},
		{"two days before", History{MessageDay: 19998, Waiting: true}, false, true},
		{"two days before, and the last one is unknown", History{MessageDay: 19998, Waiting: true}, true, false},
	} {
		s.h.MessageHour = 7
		s.h.Received[7] = 3
		q.Ahead = s.ahead
		var v message
		v.fill(c, &s.h, &q, &a)
		want := 2.0
		if s.counted {
			want = 3
		}
		if n := v.evidence * shareMessages / (1 - v.evidence); math.Abs(n-want) > 1e-9 {
			t.Errorf("%s: %v messages count, want %v", s.name, n, want)
		}
	}
}
