package sendtime

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// drawHistory draws what might be known of a CID before a day.
func drawHistory(random *rand.Rand, day int32, habit *[Hours]float64, days int) (h History) {
	for d := day - int32(days)*2; d < day; d++ {
		if random.IntN(2) == 0 {
			continue
		}
		addDay(&h, d, drawHours(random, habit))
	}
	return h
}

func drawHours(random *rand.Rand, habit *[Hours]float64) (hours uint32) {
	for hours == 0 {
		for i, p := range habit {
			if random.Float64() < p {
				hours |= 1 << i
			}
		}
	}
	return hours
}

func addDay(h *History, day int32, hours uint32) {
	if h.activeDays() == 0 {
		h.FirstDay, h.LastDay = day, day
	}
	fade := float32(math.Exp2(-float64(day-h.LastDay) / 30))
	for i := range h.Recent {
		h.Recent[i] *= fade
		if hours>>i&1 != 0 {
			h.Hours[i]++
			h.Recent[i]++
			if weekday(day) == 0 || weekday(day) == 6 {
				h.Weekend[i]++
			}
		}
	}
	h.RecentDays = h.RecentDays*fade + 1
	h.WeekDays = h.WeekDays*float32(math.Exp2(-float64(day-h.LastDay)/7)) + 1
	h.Days[weekday(day)]++
	h.LastHours, h.LastDay, h.Seen = [3]uint32{hours}, day, true
}

// habits are of people who are active in three hours each, and seldom in others.
func drawHabit(random *rand.Rand) (habit [Hours]float64) {
	peak := random.IntN(Hours)
	for i := range habit {
		habit[i] = 0.02
	}
	for k := range 3 {
		habit[(peak+k)%Hours] = 0.5
	}
	return habit
}

func question(day int32) Question {
	return Question{Day: day, Weekend: weekday(day) == 0 || weekday(day) == 6, Country: NoCountry}
}

// drawData draws days of people whose habits are known.
func drawData(seed uint64, people int) (d Data, truth [][Hours]float64) {
	random := rand.New(rand.NewPCG(seed, 0))
	sums := NewCurveSums(nil)
	for range people {
		habit := drawHabit(random)
		day := 20000 + random.Int32N(7)
		h := drawHistory(random, day, &habit, random.IntN(20))
		sums.Add(&h, question(day))
		d.Near = append(d.Near, Sample{h, question(day), drawHours(random, &habit)})
		far := Sample{h, question(day + 1), drawHours(random, &habit)}
		far.Question.Ahead = true
		d.Ahead = append(d.Ahead, far)
		d.Days = append(d.Days, DaySample{h, question(day), random.IntN(2) == 0})
		truth = append(truth, habit)
	}
	d.Curves = sums.Curves()
	return d, truth
}

func loss(m *Model, samples []Sample) float64 {
	var a Answer
	sum := 0.0
	for i := range samples {
		m.Predict(&samples[i].History, &samples[i].Question, &a)
		for h, p := range a.Hour {
			l, _ := lossOf(logOdds(p), samples[i].Hours>>h&1 != 0)
			sum += l / Hours
		}
	}
	return sum / float64(len(samples))
}

func TestFitLearnsHabits(t *testing.T) {
	data, _ := drawData(1, 3000)
	test, _ := drawData(2, 1000)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if !m.Trained {
		t.Fatal("not trained")
	}
	fitted, ruled := loss(m, test.Near), loss(Untrained(data.Curves), test.Near)
	if fitted > ruled-0.01 {
		t.Errorf("log loss %.4f, by rule %.4f", fitted, ruled)
	}
	if ahead := loss(m, test.Ahead); ahead > ruled {
		t.Errorf("log loss a day ahead %.4f, by rule %.4f", ahead, ruled)
	}
	active := 0.0
	for i := range test.Days {
		active += m.Active(&test.Days[i].History, &test.Days[i].Question) / float64(len(test.Days))
	}
	if math.Abs(active-0.5) > 0.05 {
		t.Errorf("half of the days were active, and %.3f are predicted", active)
	}
	again, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("the same data gave another model (%v)", err)
	}
}

// TestFavourIsUndone: drawing active days more often does not make them more likely.
func TestFavourIsUndone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	habit := drawHabit(random)
	data := Data{Curves: NewCurveSums(nil).Curves(), ActiveFavour: 10}
	for range 40_000 {
		day := 20000 + random.Int32N(100)
		active := random.IntN(20) == 0
		if !active && random.IntN(10) > 0 {
			continue
		}
		data.Days = append(data.Days, DaySample{drawHistory(random, day, &habit, 5), question(day), active})
	}
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for i := range data.Days {
		mean += m.Active(&data.Days[i].History, &data.Days[i].Question) / float64(len(data.Days))
	}
	if math.Abs(mean-0.05) > 0.01 {
		t.Errorf("one day in 20 was active, and %.3f are predicted", mean)
	}
}

func TestFromTheFirstDay(t *testing.T) {
	none := Data{Curves: NewCurveSums(nil).Curves()}
	m, err := Fit(context.Background(), none, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	q := question(20000)
	m.Predict(&History{}, &q, &a)
	prior := PriorCurve()
	for h, p := range a.Hour {
		if math.Abs(p-prior[0][h]) > 1e-9 {
			t.Errorf("hour %d: %v, want %v", h, p, prior[0][h])
		}
	}
	if a.Level != LevelPrior || a.ActiveDays != 0 {
		t.Errorf("level %v on %d days", a.Level, a.ActiveDays)
	}
}

func TestLevels(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	habit := drawHabit(random)
	sums := NewCurveSums([]string{"ID"})
	for range 30 {
		h := drawHistory(random, 20000, &habit, 10)
		sums.Add(&h, Question{OffsetMinutes: 420, Zoned: true, Country: NoCountry})
	}
	m := Untrained(sums.Curves())
	known := History{}
	for day := range int32(leastDays) {
		addDay(&known, 19990+day, 1<<8)
	}
	for _, c := range []struct {
		name string
		h    History
		q    Question
		want Level
	}{
		{"unknown", History{}, Question{Country: NoCountry}, LevelEveryone},
		{"its zone is known", History{}, Question{OffsetMinutes: 420, Zoned: true, Country: NoCountry}, LevelZone},
		{"nobody else is in its zone", History{}, Question{OffsetMinutes: -420, Zoned: true, Country: NoCountry}, LevelEveryone},
		{"nobody else is in its country", History{}, Question{Country: 0}, LevelEveryone},
		{"a country that is none", History{}, Question{Country: 7}, LevelEveryone},
		{"it is known itself", known, Question{Day: 20000, Country: NoCountry}, LevelUser},
	} {
		var a Answer
		if m.Predict(&c.h, &c.q, &a); a.Level != c.want {
			t.Errorf("%s: %v, want %v", c.name, a.Level, c.want)
		}
	}
}

// TestEvidenceMovesToTheUser: the more days tell of one hour, the more of it is expected, from the curve of all to the CID's own.
func TestEvidenceMovesToTheUser(t *testing.T) {
	m := Untrained(NewCurveSums(nil).Curves())
	var h History
	var a Answer
	before := 0.0
	for day := range int32(60) {
		q := question(20000 + day)
		if m.Predict(&h, &q, &a); a.Hour[3] < before-0.02 { // the weekend has a curve of its own
			t.Fatalf("after %d days at 3 o'clock, %v is expected, and %v a day before", day, a.Hour[3], before)
		}
		before = a.Hour[3]
		addDay(&h, 20000+day, 1<<3)
	}
	if before < 0.3 {
		t.Errorf("after 60 days at 3 o'clock, %v is expected", before)
	}
}

// TestEveryCIDWeighsTheSame in curves, however active.
func TestEveryCIDWeighsTheSame(t *testing.T) {
	var busy, rare History
	for day := int32(20001); busy.activeDays() < 100; day++ {
		if w := weekday(day); w != 0 && w != 6 {
			addDay(&busy, day, 1<<9)
		}
	}
	addDay(&rare, 20003, 1<<20)
	sums := NewCurveSums(nil)
	for range 1000 {
		sums.Add(&busy, question(20001))
		sums.Add(&rare, question(20001))
	}
	c := sums.Curves().Everyone[0]
	if math.Abs(c[9]-c[20]) > 0.01 || math.Abs(c[9]-0.5) > 0.01 {
		t.Errorf("%v and %v", c[9], c[20])
	}
}

// TestPredictionsAreProbabilities, whatever is known and however the coefficients came about.
func TestPredictionsAreProbabilities(t *testing.T) {
	data, _ := drawData(5, 600)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		h := History{
			Hours: [Hours]uint16{rapid.Uint16().Draw(t, "count")}, Days: [7]uint16{0, rapid.Uint16().Draw(t, "days")},
			RecentDays: rapid.Float32Range(0, 50).Draw(t, "recent"), LastDay: rapid.Int32().Draw(t, "last"), FirstDay: rapid.Int32().Draw(t, "first"),
			LastHours: [3]uint32{rapid.Uint32Range(0, 1<<24-1).Draw(t, "hours")},
		}
		h.Received[3] = rapid.Uint16().Draw(t, "received")
		q := Question{Day: rapid.Int32().Draw(t, "day"), Weekend: rapid.Bool().Draw(t, "weekend"), Ahead: rapid.Bool().Draw(t, "ahead"),
			OffsetMinutes: rapid.Int16().Draw(t, "offset"), Zoned: rapid.Bool().Draw(t, "zoned"), Country: rapid.IntRange(-1, 3).Draw(t, "country")}
		var a Answer
		m.Predict(&h, &q, &a)
		for _, p := range append(a.Hour[:], a.Active, m.Any(&a, 0, 90)) {
			if !(p >= 0 && p <= 1) {
				t.Fatalf("%v of %+v, %+v", p, h, q)
			}
		}
	})
}

func TestPredictAllocatesNothing(t *testing.T) {
	data, _ := drawData(6, 600)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	s := &data.Near[7]
	if n := testing.AllocsPerRun(100, func() { m.Predict(&s.History, &s.Question, &a); m.Any(&a, 30, 90) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPredict(b *testing.B) {
	data, _ := drawData(7, 600)
	m, err := Fit(context.Background(), data, DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	var a Answer
	for i := 0; b.Loop(); i++ {
		s := &data.Near[i%len(data.Near)]
		m.Predict(&s.History, &s.Question, &a)
	}
}
