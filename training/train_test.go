package training

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
	"whowhen.dev/whowhen/segments"
)

// question of the tests: who of those who ever opened will open in the next two weeks.
func opens() propensity.Definition {
	return propensity.Definition{Name: "opens", Eligible: `did("open")`, Target: `did("open")`, HorizonDays: 14}
}

// quick fits without a search, which is the business of package models.
func quick() Options {
	return Options{Version: "1", CreatedAt: time.Unix(1_800_000_000, 0), Fit: &models.Options{Shape: models.ShapeLog, Penalties: []float64{10}, Calibrate: models.CalibrateNever}}
}

func train(t *testing.T, a *segments.App, d propensity.Definition, o Options) *Result {
	t.Helper()
	r, err := Train(context.Background(), a, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTruth checks a model against a world whose truth is known: the probability that somebody opens in a horizon of h days is
// 1 - exp(-rate h). A model that knows the past only cannot do as well as the truth, but nearly.
func TestTruth(t *testing.T) {
	w := newWorld(1, 4000, 150)
	a := w.app(t, w.first+150, nil)
	result := train(t, a, opens(), quick())
	r := result.Report
	test := mustDay(r.Cutoffs[len(r.Cutoffs)-1].Day)
	if want := w.first + 149 - 14; test != want {
		t.Errorf("the test cut-off is %s, want %s: the last whose horizon has ended for sure", test, want)
	}
	before, did := w.did("open", w.first, int(test-w.first)), w.did("open", test, 14)
	truth := metrics.Rows{}
	positives := 0
	for cid := range before {
		truth.Probability, truth.Label = append(truth.Probability, 1-math.Exp(-14*w.rate[cid])), append(truth.Label, did[cid])
		if did[cid] {
			positives++
		}
	}
	best, err := metrics.AUC(truth)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != len(before) || r.Positives != positives {
		t.Errorf("%d rows and %d positives, want %d and %d", r.Rows, r.Positives, len(before), positives)
	}
	if r.AUC < best.Value-0.03 || r.AUC > best.Value+0.02 || r.CalibrationError > 0.04 {
		t.Errorf("AUC %.3f, that of the truth is %.3f; calibration error %.3f", r.AUC, best.Value, r.CalibrationError)
	}
	if !r.Gate.Passed || r.Baselines[baseRate].AUC != 0.5 || r.Baselines[recencyOnly].LogLoss <= r.LogLoss {
		t.Errorf("gate %+v, baselines %+v", r.Gate, r.Baselines)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("nothing moves in this world but the time since it began, and the warnings are %q", r.Warnings)
	}
	for _, c := range r.Cutoffs {
		if c.Lost != 0 {
			t.Errorf("%d are lost on %s, though nobody was erased", c.Lost, c.Day)
		}
	}
	checkShape(t, result)
}

// TestLevel checks that a world that gets livelier from cut-off to cut-off is predicted at the level of the newest one trained on.
func TestLevel(t *testing.T) {
	rows := func(times ...int32) models.Table {
		r := rand.New(rand.NewPCG(4, 4))
		table := models.Table{Columns: []models.Column{{Name: "tenure"}}, Values: make([][]float32, 1)}
		for k, at := range times {
			for range 20_000 {
				x := r.NormFloat64()
				table.Values[0] = append(table.Values[0], float32(x))
				table.Label = append(table.Label, r.Float64() < models.Probability(x+0.4*float64(k)-0.4))
				table.Time, table.Weight, table.Group = append(table.Time, at), append(table.Weight, 1), append(table.Group, uint32(len(table.Group)))
			}
		}
		return table
	}
	table := rows(10, 20, 30)
	o, err := quick().withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	j := &job{options: o, question: &propensity.Question{}}
	if err := j.level(t.Context(), table, frame{columns: []features.Column{{Family: features.Tenure}}}, []propensity.Day{10, 20, 30}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.8, 0.4, 0} {
		for row := 20_000 * i; row < 20_000*(i+1); row++ {
			d := 2 * math.Log(float64(table.Weight[row]))
			if !table.Label[row] {
				d = -d
			}
			if math.Abs(d-want) > 0.12 {
				t.Fatalf("the rows of cut-off %d are moved by %.3f, want %.1f", i+1, d, want)
			}
		}
	}
}

// checkShape checks that the parts of a result fit each other.
func checkShape(t *testing.T, result *Result) {
	t.Helper()
	r := result.Report
	file, err := result.Artifact.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := models.Decode(file); err != nil {
		t.Error(err)
	}
	if _, err := r.JSON(); err != nil {
		t.Error(err)
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		t.Error(err)
	}
	if len(r.Deciles) != 10 || len(r.Thresholds) != 101 || len(r.Drift) != len(result.Artifact.Model.Columns()) || len(r.Coefficients) == 0 {
		t.Errorf("%d deciles, %d thresholds, %d drifts of %d columns, %d coefficients", len(r.Deciles), len(r.Thresholds), len(r.Drift), len(result.Artifact.Model.Columns()), len(r.Coefficients))
	}
	all := r.Thresholds[0]
	if all.Messaged != r.Rows || all.Caught != r.Positives || all.Recall != 1 {
		t.Errorf("messaging everyone catches %+v of %d and %d", all, r.Rows, r.Positives)
	}
	for i, c := range r.Thresholds[1:] {
		if c.Messaged > r.Thresholds[i].Messaged || c.Messaged != c.Caught+c.Disturbed {
			t.Errorf("threshold %+v follows %+v", c, r.Thresholds[i])
		}
	}
}

// TestSameBytes checks that artifact and report are a function of store, definition and options, however many goroutines read.
func TestSameBytes(t *testing.T) {
	w := newWorld(2, 1500, 120)
	a := w.app(t, w.first+120, nil)
	var first [][]byte
	for _, workers := range []int{1, 2, 5} {
		o := quick()
		o.Workers, o.MostRows, o.Seed = workers, 2000, 7
		r := train(t, a, opens(), o)
		file, err := r.Artifact.Encode()
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Report.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = [][]byte{file, text}
		}
		if !bytes.Equal(first[0], file) || !bytes.Equal(first[1], text) {
			t.Errorf("with %d workers the bytes are others", workers)
		}
	}
}

// TestFutureHasNoPart checks that a store that holds nothing from the test cut-off on gives the same model, and the same predictions
// there, as one that holds all that came after.
func TestFutureHasNoPart(t *testing.T) {
	w := newWorld(3, 1500, 120)
	test := w.first + 100
	var files [][]byte
	var scores [][]float32
	for _, until := range []propensity.Day{test, w.first + 120} {
		o := quick()
		o.Cutoffs = Cutoffs{Train: []propensity.Day{test - 14}, Test: []propensity.Day{test}}
		j, err := newJob(t.Context(), w.app(t, until, nil), opens(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer j.base.Close()
		if err := j.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		j.cutoffs = Cutoffs{Train: Cutoffs{}.pool(test-14, j.known, 14), Test: []propensity.Day{test}}
		m, err := j.fit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a := models.Artifact{Name: "x", Version: "1", Model: m.Model, Effects: m.Effects, ColumnBins: m.ColumnBins, ScoreBins: m.ScoreBins}
		a.Training.Fingerprint = m.print
		file, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		files, scores = append(files, file), append(scores, score(t, j, m, test))
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the model knows what came after the test cut-off")
	}
	if len(scores[0]) < 1000 || !slices.Equal(scores[0], scores[1]) {
		t.Errorf("%d and %d predictions at the test cut-off, not the same", len(scores[0]), len(scores[1]))
	}
}

// score predicts everyone heard of before a day.
func score(t *testing.T, j *job, m *fitted, day propensity.Day) []float32 {
	t.Helper()
	v, err := j.base.Before(int32(day))
	if err != nil {
		t.Fatal(err)
	}
	source, err := features.NewSource(t.Context(), v, m.frame.columns, m.frame.levels)
	if err != nil {
		t.Fatal(err)
	}
	x, err := source.Extractor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	ordinals, columns, err := x.Extract(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(ordinals))
	if err := m.Model.LogOdds(m.frame.pick(m.Model, columns), out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSample checks that a sample, weighed, stands for all: base rate and figures are about the same.
func TestSample(t *testing.T) {
	w := newWorld(4, 5000, 100)
	a := w.app(t, w.first+100, nil)
	o := quick()
	full := train(t, a, opens(), o).Report
	o.MostRows, o.Seed = 1500, 3
	part := train(t, a, opens(), o).Report
	if part.Rows != full.Rows || part.Positives != full.Positives {
		t.Errorf("of a sample: %d rows and %d positives; of all: %d and %d", part.Rows, part.Positives, full.Rows, full.Positives)
	}
	last := part.Cutoffs[len(part.Cutoffs)-1]
	if last.Kept > 1700 || last.Kept < 1300 {
		t.Errorf("%d rows are kept, want about 1500", last.Kept)
	}
	if math.Abs(part.AUC-full.AUC) > 0.03 || math.Abs(part.LogLoss-full.LogLoss) > 0.03 || math.Abs(part.LiftAt10-full.LiftAt10) > 0.4 {
		t.Errorf("of a sample: AUC %.3f, log loss %.3f, lift %.2f; of all: %.3f, %.3f, %.2f", part.AUC, part.LogLoss, part.LiftAt10, full.AUC, full.LogLoss, full.LiftAt10)
	}
	if n := part.Thresholds[0].Messaged; math.Abs(float64(n-full.Rows)) > 0.05*float64(full.Rows) {
		t.Errorf("the sample stands for %d rows, there are %d", n, full.Rows)
	}
	if !slices.ContainsFunc(part.Fit.Notes, func(n string) bool { return strings.Contains(n, "sample") }) {
		t.Errorf("the notes do not say that there is a sample: %q", part.Fit.Notes)
	}
}

func TestLeaks(t *testing.T) {
	w := newWorld(5, 2500, 100)
	d := opens()
	cutoffs := Cutoffs{Train: []propensity.Day{w.first + 70}, Test: []propensity.Day{w.first + 84}, Pool: 1}
	outcome := w.did("open", w.first+70, 14)
	later := w.did("open", w.first+84, 14)

	t.Run("tag", func(t *testing.T) {
		both := map[string]bool{}
		for cid := range outcome {
			both[cid] = true
		}
		a := w.app(t, w.first+100, map[string]map[string]bool{"opener": both})
		d := d
		d.StaticTags = []string{"opener"}
		o := quick()
		o.Cutoffs = cutoffs
		_, err := Train(t.Context(), a, d, o)
		leak := new(LeakError)
		if !errors.As(err, &leak) || !slices.Equal(leak.Columns, []string{`tag("opener")`}) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("dated back", func(t *testing.T) {
		back := *w
		back.events = slices.Clone(w.events)
		for cid := range outcome {
			back.add(cid, "mark", 69.5, 1)
		}
		for cid := range later {
			back.add(cid, "mark", 83.5, 1)
		}
		back.sort()
		o := quick()
		o.Cutoffs = cutoffs
		_, err := Train(t.Context(), back.app(t, w.first+100, nil), d, o)
		leak := new(LeakError)
		if !errors.As(err, &leak) || !strings.Contains(err.Error(), "a day earlier it does not") || !slices.Contains(leak.Columns, `recency("mark", within 365d)`) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("known in time", func(t *testing.T) {
		known := *w
		known.events = slices.Clone(w.events)
		for cid := range outcome {
			known.add(cid, "plan", 50+10*w.rate[cid]/(w.rate[cid]+1), 1)
		}
		known.sort()
		o := quick()
		o.Cutoffs = cutoffs
		r := train(t, known.app(t, w.first+100, nil), d, o)
		if !slices.ContainsFunc(r.Report.Warnings, func(s string) bool { return strings.Contains(s, `"plan"`) && strings.Contains(s, "alone decides") }) {
			t.Errorf("warnings %q", r.Report.Warnings)
		}
	})
}

func TestRefusals(t *testing.T) {
	w := newWorld(6, 600, 60)
	a := w.app(t, w.first+60, nil)
	d := opens()
	for _, test := range []struct {
		name   string
		change func(d *propensity.Definition, o *Options)
		says   string
	}{
		{"unknown event", func(d *propensity.Definition, _ *Options) { d.Target = `did("opne")` }, `nobody has done "opne" (did you mean "open"?)$`},
		{"unknown event, told once", func(d *propensity.Definition, _ *Options) {
			d.Eligible, d.Target = `did("opne", within 7d)`, `not did("opne")`
		}, `nothing to learn from: nobody has done "opne" (did you mean "open"?)$`},
		{"unknown event and property", func(d *propensity.Definition, _ *Options) {
			d.Eligible, d.Target = `count("open" where sise = 1) > 0 and not did("zebra")`, `did("opne")`
		}, `nothing to learn from: nobody has done "opne" (did you mean "open"?) nor "zebra"; nobody has the property of "open" "sise" yet`},
		{"too little history", func(d *propensity.Definition, _ *Options) { d.HorizonDays = 30 }, "too little history"},
		{"horizon not over", func(_ *propensity.Definition, o *Options) { o.Cutoffs.Test = []propensity.Day{w.first + 55} }, "the data ends with"},
		{"trained on what it is judged by", func(_ *propensity.Definition, o *Options) {
			o.Cutoffs.Train, o.Cutoffs.Test = []propensity.Day{w.first + 35}, []propensity.Day{w.first + 40}
		}, "seen what it is judged by"},
		{"nobody eligible", func(d *propensity.Definition, _ *Options) { d.Eligible = `count("open") > 1000000` }, "nobody is eligible at the training cut-off"},
		{"unknown static tag", func(d *propensity.Definition, _ *Options) { d.StaticTags = []string{"vip"} }, "vip"},
		{"options", func(_ *propensity.Definition, o *Options) { o.MostRows = 5 }, "1000 to"},
		{"cannot lose more than all", func(_ *propensity.Definition, o *Options) { o.MostLost = 2 }, "up to 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, o := d, quick()
			test.change(&d, &o)
			_, err := Train(t.Context(), a, d, o)
			if err == nil || !strings.Contains(err.Error()+"$", test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if wrong := (*OptionError)(nil); errors.As(err, &wrong) != (o.MostRows == 5 || o.MostLost == 2) {
				t.Errorf("%v is of the wrong kind", err)
			}
		})
	}
}

// TestCancel checks that a training ends when it is told to, at whichever step.
func TestCancel(t *testing.T) {
	w := newWorld(7, 800, 80)
	a := w.app(t, w.first+80, nil)
	for at := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		o, n := quick(), 0
		o.Progress = func(Progress) {
			if n++; n == at+1 {
				cancel()
			}
		}
		if _, err := Train(ctx, a, opens(), o); !errors.Is(err, context.Canceled) {
			t.Errorf("told to end at step %d: %v", at+1, err)
		}
		cancel()
	}
}
