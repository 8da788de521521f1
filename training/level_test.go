package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
)

// TestLevelOfFewRows holds that the newest of some small cut-offs is not believed beyond what its rows can tell: in a world that stays as it is the
// level is off by much less than when all is moved to that of the newest cut-off, and in one that moves it still follows.
func TestLevelOfFewRows(t *testing.T) {
	const worlds, cutoffs = 60, 8
	days := make([]propensity.Day, cutoffs)
	for k := range days {
		days[k] = propensity.Day(10 * k)
	}
	for _, test := range []struct {
		name               string
		rows               int
		rise               float64 // of the newest cut-off's log-odds
		leastGain, mostOff float64 // root mean square of the level: unshrunk over shrunk, and shrunk
	}{
		{"sixty rows, nothing moves", 60, 0, 1.7, 0.15},
		{"two hundred rows, nothing moves", 200, 0, 1.7, 0.1},
		{"five thousand rows, the newest moves", 5000, 0.6, 0, 0.08},
	} {
		off := map[float64]float64{}
		for _, variance := range []float64{levelVariance, math.Inf(1)} {
			for seed := range uint64(worlds) {
				table, truth := levelWorld(seed, test.rows, days, test.rise)
				relevel(table, truth, days, variance)
				clear(table.Time) // one level for all
				got, _ := shift(table, truth, 0)
				off[variance] += (got - test.rise) * (got - test.rise) / worlds
			}
			off[variance] = math.Sqrt(off[variance])
		}
		shrunk, all := off[levelVariance], off[math.Inf(1)]
		t.Logf("%s: the level is off by %.3f, by %.3f where the newest is believed all", test.name, shrunk, all)
		if shrunk > test.mostOff || all < test.leastGain*shrunk {
			t.Errorf("%s: the level is off by %.3f, by %.3f where the newest is believed all", test.name, shrunk, all)
		}
	}
}

// levelWorld makes rows whose true log-odds are returned, but for the newest cut-off, where they are higher by so much.
func levelWorld(seed uint64, rows int, days []propensity.Day, rise float64) (models.Table, []float32) {
	r := rand.New(rand.NewPCG(seed, 11))
	var table models.Table
	var truth []float32
	for k, day := range days {
		for range rows {
			x := r.NormFloat64() - 1
			at := x
			if k == len(days)-1 {
				at += rise
			}
			truth = append(truth, float32(x))
			table.Label = append(table.Label, r.Float64() < models.Probability(at))
			table.Time, table.Weight = append(table.Time, int32(day)), append(table.Weight, 1)
		}
	}
	return table, truth
}

// TestThin holds that few rows are left, none of the rare ones lost, and that what is left weighs as much as all.
func TestThin(t *testing.T) {
	for _, test := range []struct{ rows, positives, least, most int }{
		{900, 20, 20, 20}, {5000, 50, 50, 50}, {5000, 4950, 800, 1000}, {100_000, 50_000, 450, 500}, {2000, 800, 400, 500},
	} {
		table := models.Table{Values: [][]float32{nil}}
		for i := range test.rows {
			y := i*test.positives/test.rows != (i+1)*test.positives/test.rows
			table.Label, table.Weight, table.Values[0] = append(table.Label, y), append(table.Weight, 1), append(table.Values[0], float32(i))
			table.Time, table.Group = append(table.Time, int32(i/100)), append(table.Group, uint32(i))
		}
		some := thin(table, 1000)
		positives, weight := 0, [2]float64{}
		for i, y := range some.Label {
			if y {
				positives++
			}
			weight[index(y)] += float64(some.Weight[i])
			if row := int(some.Values[0][i]); table.Label[row] != y || table.Time[row] != some.Time[i] || some.Group[i] != uint32(row) {
				t.Fatalf("%+v: row %d is mixed up", test, row)
			}
		}
		if len(some.Label) > 1000 || positives < test.least || positives > test.most {
			t.Errorf("%+v: %d rows with %d positives", test, len(some.Label), positives)
		}
		for y, want := range []float64{float64(test.rows - test.positives), float64(test.positives)} {
			if math.Abs(weight[y]-want) > 0.02*want {
				t.Errorf("%+v: outcome %d weighs %v, of %v rows", test, y, weight[y], want)
			}
		}
	}
}
