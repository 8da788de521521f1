package models_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
)

func TestFitFindsWhatIsTrue(t *testing.T) {
	table := simulated(20_000, 12, 7)
	var told []string
	r, err := models.Fit(context.Background(), table, models.DefaultOptions(), func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	if r.Folds.Kind != models.FoldsByTime || r.Folds.Count != 3 {
		t.Errorf("folds: %+v", r.Folds)
	}
	if len(r.Trials) == 0 || len(told) == 0 {
		t.Error("nothing was tried or told")
	}
	fresh := simulated(20_000, 12, 8)
	judged := predicted(t, r.Model, fresh)
	loss, err := metrics.LogLoss(judged)
	if err != nil {
		t.Fatal(err)
	}
	// The outcome's own probabilities are the best that can be had; missing values hide some of them.
	if best := trueLoss(t, 20_000, 12, 8); loss.Value > best+0.004 {
		t.Errorf("log loss %.4f on fresh rows; the truth has %.4f", loss.Value, best)
	}
	ece, err := metrics.CalibrationError(judged, 1)
	if err != nil {
		t.Fatal(err)
	}
	if ece.Value > 0.02 {
		t.Errorf("calibration error %.4f on fresh rows", ece.Value)
	}
	t.Logf("shape %s, penalty %g, log loss %.4f, products %v, calibrated %v, dropped %v", r.Shape, r.Model.Penalty(), loss.Value, r.Products, r.Calibrated, r.Dropped)
}

// trueLoss is the log loss of the probabilities that the outcomes of simulated were drawn with.
func trueLoss(t *testing.T, rows, columns int, seed uint64) float64 {
	t.Helper()
	table := simulated(rows, columns, seed)
	judged := metrics.Rows{Label: table.Label}
	for r := range rows {
		sum := -1.0
		for c := range min(10, columns) {
			if v := float64(table.Values[c][r]); v == v {
				sum += 0.15 * (math.Log1p(v) - 2)
			}
		}
		judged.Probability = append(judged.Probability, models.Probability(sum))
	}
	loss, err := metrics.LogLoss(judged)
	if err != nil {
		t.Fatal(err)
	}
	return loss.Value
}

func TestFitIsTheSameWithAnyWorkers(t *testing.T) {
	table := simulated(6_000, 8, 3)
	table.Columns = append(table.Columns, models.Column{Name: "plan", Levels: []string{"a", "b", "c"}})
	plan := make([]float32, len(table.Label))
	for i := range plan {
		plan[i] = float32(i * 7 % 5)
	}
	table.Values = append(table.Values, plan)
	var first []byte
	for _, workers := range []int{1, 2, 5} {
		o := models.DefaultOptions()
		o.Workers = workers
		r, err := models.Fit(context.Background(), table, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		data, err := artifactOf(r).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if string(first) != string(data) {
			t.Errorf("%d workers make another model than one", workers)
		}
	}
}

func TestFitRefuses(t *testing.T) {
	o := models.Options{Penalties: []float64{1}, Shape: models.ShapeLinear, Calibrate: models.CalibrateNever}
	base := func() models.Table { return simulated(1000, 3, 1) }
	setLabels := func(t *models.Table, positive func(int) bool) {
		for i := range t.Label {
			t.Label[i] = positive(i)
		}
	}
	for _, test := range []struct {
		name   string
		change func(*models.Table, *models.Options)
		want   any
		says   string
	}{
		{"nobody", func(t *models.Table, _ *models.Options) { setLabels(t, func(int) bool { return false }) }, new(*models.OneClassError), "nobody met the target"},
		{"everybody", func(t *models.Table, _ *models.Options) { setLabels(t, func(int) bool { return true }) }, new(*models.OneClassError), "everybody met the target"},
		{"few positives", func(t *models.Table, _ *models.Options) { setLabels(t, func(i int) bool { return i < 99 }) }, new(*models.TooFewError), "99 positives"},
		{"few negatives", func(t *models.Table, _ *models.Options) { setLabels(t, func(i int) bool { return i >= 99 }) }, new(*models.TooFewError), "99 negatives"},
		{"no columns vary", func(t *models.Table, _ *models.Options) {
			for _, v := range t.Values {
				clear(v)
			}
		}, new(*models.NoColumnsError), "none of the 3 columns"},
		{"no rows", func(t *models.Table, _ *models.Options) { *t = models.Table{Columns: t.Columns} }, new(*models.TableError), "0 rows"},
		{"short column", func(t *models.Table, _ *models.Options) { t.Values[1] = t.Values[1][1:] }, new(*models.TableError), "999 rows"},
		{"missing column", func(t *models.Table, _ *models.Options) { t.Values = t.Values[1:] }, new(*models.TableError), "3 columns are named"},
		{"same name", func(t *models.Table, _ *models.Options) { t.Columns[1].Name = t.Columns[0].Name }, new(*models.TableError), "two columns"},
		{"same level", func(t *models.Table, _ *models.Options) { t.Columns[1].Levels = []string{"x", "x"} }, new(*models.TableError), "twice"},
		{"weight", func(t *models.Table, _ *models.Options) { t.Weight = make([]float32, 1000) }, new(*models.TableError), "row 0 has the weight 0"},
		{"horizon", func(t *models.Table, _ *models.Options) { t.HorizonDays = -1 }, new(*models.TableError), "horizon"},
		{"penalty", func(_ *models.Table, o *models.Options) { o.Penalties = []float64{math.NaN()} }, new(*models.OptionError), "Penalties"},
		{"shape", func(_ *models.Table, o *models.Options) { o.Shape = "round" }, new(*models.OptionError), "Shape"},
		{"workers", func(_ *models.Table, o *models.Options) { o.Workers = -1 }, new(*models.OptionError), "Workers"},
		{"separated", func(t *models.Table, o *models.Options) {
			o.Penalties = []float64{0}
			for i := range t.Label {
				t.Values[0][i] = float32(i)
				t.Label[i] = i >= 500
			}
		}, new(*models.NotConvergedError), "converge"},
		{"dependent", func(t *models.Table, o *models.Options) {
			o.Penalties = []float64{0}
			for i := range t.Label {
				t.Values[0][i], t.Values[1][i], t.Values[2][i] = float32(i%10), float32(i%7), float32(i%10+i%7)
			}
		}, new(*models.NotConvergedError), "larger penalty"},
		{"iterations", func(t *models.Table, o *models.Options) { *t = simulated(40_000, 8, 1); o.MaxIterations = 1 }, new(*models.NotConvergedError), "after 1 iterations"},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, o := base(), o
			test.change(&table, &o)
			_, err := models.Fit(context.Background(), table, o, nil)
			if err == nil || !errors.As(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v is not a %T that says %q", err, test.want, test.says)
			}
		})
	}
}

func TestFitStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := models.Fit(ctx, simulated(5_000, 8, 1), models.DefaultOptions(), func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestDroppedAndWarned(t *testing.T) {
	table := simulated(2_000, 4, 1)
	add := func(name string, levels []string, value func(int) float32) {
		values := make([]float32, len(table.Label))
		for i := range values {
			values[i] = value(i)
		}
		table.Columns = append(table.Columns, models.Column{Name: name, Levels: levels})
		table.Values = append(table.Values, values)
	}
	nan := float32(math.NaN())
	add("constant", nil, func(int) float32 { return 3 })
	add("all missing", nil, func(int) float32 { return nan })
	add("twin", nil, func(i int) float32 { return table.Values[2][i] })
	add("one level", []string{"x", "y"}, func(int) float32 { return 1 })
	add("outcome", nil, func(i int) float32 {
		if table.Label[i] {
			return float32(100 + i%9)
		}
		return nan
	})
	r, err := models.Fit(context.Background(), table, models.Options{Penalties: []float64{1}, Calibrate: models.CalibrateNever}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var dropped []string
	for _, d := range r.Dropped {
		dropped = append(dropped, d.Column)
	}
	if got := strings.Join(dropped, ","); got != "constant,all missing,twin,one level" {
		t.Errorf("dropped %s", got)
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Column != "outcome" || r.Warnings[0].AUC != 1 {
		t.Errorf("warnings %+v", r.Warnings)
	}
	if len(r.Model.Columns()) != 5 {
		t.Errorf("%d columns are left", len(r.Model.Columns()))
	}
}

// TestIntervalsCover fits many simulated tables whose coefficients are known and counts how often the interval holds
// them, with every client in the table three times.
func TestIntervalsCover(t *testing.T) {
	const tables, clients = 250, 400
	truth := []float64{0.8, -0.5}
	random := rand.New(rand.NewPCG(5, 6))
	covered := 0
	for range tables {
		table := models.Table{Columns: []models.Column{{Name: "a"}, {Name: "b"}}, Values: make([][]float32, 2)}
		for client := range clients {
			a, b := float32(random.NormFloat64()), float32(random.NormFloat64())
			sum := truth[0]*float64(a) + truth[1]*float64(b)
			// The same client decides alike each time: an interval that took the rows as independent would be too narrow.
			u := random.Float64()
			for range 3 {
				table.Values[0] = append(table.Values[0], a)
				table.Values[1] = append(table.Values[1], b)
				table.Label = append(table.Label, u < models.Probability(sum))
				table.Group = append(table.Group, uint32(client))
			}
		}
		r, err := models.Fit(context.Background(), table, models.Options{Penalties: []float64{0}, Shape: models.ShapeLinear, Calibrate: models.CalibrateNever}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range r.Effects {
			want := truth[i] * (e.To - e.From)
			if math.Abs(e.LogOdds-want) <= 1.96*e.StandardError {
				covered++
			}
		}
	}
	share := float64(covered) / (2 * tables)
	if share < 0.925 || share > 0.975 {
		t.Errorf("%.3f of the 95 %% intervals hold the truth", share)
	}
}

// TestExtremeValuesFit has infinities and the largest numbers among those fitted to; what comes of it must be finite
// to be encoded.
func TestExtremeValuesFit(t *testing.T) {
	for _, shape := range []models.Shape{models.ShapeLinear, models.ShapeLog, models.ShapeSpline} {
		table := varied(5000)
		hostile := hostileRows(5)
		for i, values := range hostile {
			table.Columns = append(table.Columns, models.Column{Name: "hostile " + string(rune('a'+i))})
			table.Values = append(table.Values, values)
		}
		table.Columns[9].Levels = []string{"x", "y"}
		o := models.DefaultOptions()
		o.Shape = shape
		r, err := models.Fit(context.Background(), table, o, nil)
		if err != nil {
			t.Fatal(shape, err)
		}
		if _, err := artifactOf(r).Encode(); err != nil {
			t.Error(shape, err)
		}
		out := make([]float32, 5000)
		if err := r.Model.LogOdds(hostileRows(len(r.Model.Columns())), out); err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			if !(v >= -models.LogOddsLimit && v <= models.LogOddsLimit) {
				t.Fatalf("%s: row %d scores %v", shape, i, v)
			}
		}
	}
}

func TestCautiousTakesTheLargerPenalty(t *testing.T) {
	table := simulated(3000, 8, 5)
	table.Time = nil
	var penalties []float64
	for p := 1.0; p < 2000; p *= 1.2 {
		penalties = append(penalties, p)
	}
	fit := func(cautious bool) *models.Result {
		r, err := models.Fit(context.Background(), table, models.Options{Shape: models.ShapeLog, Cautious: cautious, Penalties: penalties}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	least, r := fit(false), fit(true)
	want := least.Model.Penalty()
	var best models.Trial
	for _, trial := range least.Trials {
		if trial.Penalty == want {
			best = trial
		}
	}
	half := want
	for _, trial := range least.Trials {
		if trial.LogLoss <= best.LogLoss+best.StandardError/4 {
			want = max(want, trial.Penalty)
		}
		if trial.LogLoss <= best.LogLoss+best.StandardError/2 {
			half = max(half, trial.Penalty)
		}
	}
	if r.Model.Penalty() != want || want == best.Penalty || want == half {
		t.Errorf("penalty %v, want %v; the least loss is at %v", r.Model.Penalty(), want, best.Penalty)
	}
}
