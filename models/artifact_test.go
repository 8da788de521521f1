package models_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/models"
)

func artifactOf(r *models.Result) *models.Artifact {
	return &models.Artifact{
		Name: "pay", Version: "3", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Definition: `eligible = 'did("open", within 30d) & <x>'`,
		Training: models.Training{FirstDay: "2025-01-01", LastDay: "2025-12-31", Cutoffs: []string{"2025-06-01"},
			TestCutoffs: []string{"2025-09-01"}, HorizonDays: 30, Rows: 10, Positives: 3, Fingerprint: "abc"},
		Metrics:   map[string]models.Figure{"auc": {Value: 0.7, Low: 0.6, High: 0.8}},
		Baselines: map[string]map[string]models.Figure{"base rate": {"log_loss": {Value: 0.6, Low: 0.5, High: 0.7}}},
		Model:     r.Model, Effects: r.Effects, ColumnBins: r.ColumnBins, ScoreBins: r.ScoreBins,
	}
}

// varied is a small table with every kind of column: bent numbers, missing values, levels, a column that is fixed at
// scoring, and an outcome that a product of two columns decides in part.
func varied(rows int) models.Table {
	random := rand.New(rand.NewPCG(3, 4))
	t := models.Table{
		Columns: []models.Column{{Name: `count("open")`}, {Name: `recency("open")`}, {Name: `attr("country")`, Levels: []string{"ID", "IN", "<&>", "rare"}},
			{Name: "sent", Fixed: true}, {Name: `sum("pay.amount")`}},
		Values: make([][]float32, 5),
	}
	for i := range rows {
		a, b := random.NormFloat64(), random.NormFloat64()
		count, recency, country := math.Floor(4*math.Exp(0.8*a)), math.Floor(20*math.Exp(-0.6*a+0.5*b)), float64(random.IntN(3))
		sent, sum := math.Floor(6*random.Float64()), 10*math.Exp(b)
		if recency > 60 {
			recency = math.NaN()
		}
		switch random.IntN(100) {
		case 0:
			country = math.NaN()
		case 1, 2:
			country = 3
		case 3, 4, 5:
			country = 4
		}
		for c, v := range []float64{count, recency, country, sent, sum} {
			t.Values[c] = append(t.Values[c], float32(v))
		}
		t.Label = append(t.Label, random.Float64() < models.Probability(-1+0.8*a+0.7*a*b+0.3*country+0.3*sent))
		t.Group = append(t.Group, uint32(i/2))
		t.Time = append(t.Time, int32(30*(4*i/rows)))
	}
	for i, v := range t.Values[2] {
		if v != v && i%2 == 0 {
			t.Values[2][i] = 0
		}
	}
	t.HorizonDays = 30
	return t
}

var fitVaried = sync.OnceValues(func() (*models.Result, error) {
	o := models.DefaultOptions()
	o.Shape, o.Calibrate, o.MinLevelRows, o.BendFactor = models.ShapeSpline, models.CalibrateAlways, 20, 1 // as the golden file was fitted
	return models.Fit(context.Background(), varied(4000), o, nil)
})

func variedResult(t testing.TB) *models.Result {
	t.Helper()
	r, err := fitVaried()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encoded(t testing.TB) []byte {
	t.Helper()
	data, err := artifactOf(variedResult(t)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// hostileRows are column-major values of every kind, in a column of each of the model's columns.
func hostileRows(columns int) [][]float32 {
	extreme := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32, 0, float32(math.Copysign(0, -1)), 1, 2, 511, 512, 1 << 31, -1, 0.5, 3.999}
	random := rand.New(rand.NewPCG(7, 7))
	values := make([][]float32, columns)
	for c := range values {
		for range 5000 {
			x := extreme[random.IntN(len(extreme))]
			if random.IntN(2) == 0 {
				x = float32(random.ExpFloat64() * 20)
			}
			values[c] = append(values[c], x)
		}
	}
	return values
}

func TestDecodedScoresTheSame(t *testing.T) {
	want := artifactOf(variedResult(t))
	data := encoded(t)
	got, err := models.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	values := hostileRows(5)
	a, b := make([]float32, 5000), make([]float32, 5000)
	if err := errors.Join(want.Model.LogOdds(values, a), got.Model.LogOdds(values, b)); err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			t.Fatalf("row %d scores %v and, decoded, %v", i, a[i], b[i])
		}
		if !(a[i] >= -models.LogOddsLimit && a[i] <= models.LogOddsLimit) {
			t.Fatalf("row %d scores %v", i, a[i])
		}
	}
	again, err := got.Encode()
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("encoded again it differs (%v)", err)
	}
	want.Model, got.Model = nil, nil
	if !reflect.DeepEqual(want, got) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	if _, err := models.Decode(indented.Bytes()); err != nil {
		t.Errorf("indented: %v", err)
	}
}

// resealed gives changed content the sum it needs to be looked at.
func resealed(t testing.TB, data []byte, change func(string) string) []byte {
	t.Helper()
	var file struct {
		Format  string          `json:"format"`
		SHA256  string          `json:"sha256"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	content := change(string(file.Content))
	if content == string(file.Content) {
		t.Fatal("nothing was changed")
	}
	return seal(content)
}

func seal(content string) []byte {
	sum := sha256.Sum256([]byte(content))
	return []byte(`{"format":"whowhen-model/1","sha256":"` + hex.EncodeToString(sum[:]) + `","content":` + content + `}`)
}

func TestDecodeRefuses(t *testing.T) {
	data := encoded(t)
	replace := func(old, new string) []byte {
		return resealed(t, data, func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"empty":            {nil, "no JSON object"},
		"array":            {[]byte("[]"), "no JSON object"},
		"cut":              {data[:len(data)/2], "no JSON object"},
		"too large":        {bytes.Repeat([]byte(" "), models.MaxArtifactBytes+1), "at most"},
		"too deep":         {[]byte(strings.Repeat("[", 1<<20)), "nested deeper"},
		"deep in a string": {[]byte(`"` + strings.Repeat("[", 100) + `"`), "no JSON object"},
		"another format":   {bytes.Replace(data, []byte("model/1"), []byte("model/2"), 1), "its format"},
		"changed":          {bytes.Replace(data, []byte(`"penalty":`), []byte(`"penalty":1`), 1), "sha256"},
		"no sum":           {[]byte(`{"format":"whowhen-model/1","content":{}}`), "sha256"},
		"no content":       {[]byte(`{"format":"whowhen-model/1","sha256":""}`), "content"},
		"followed":         {append(bytes.Clone(data), "{}"...), "follow its end"},
		"unknown field":    {replace(`"name":`, `"extra":1,"name":`), "unknown field"},
		"twice":            {replace(`"name":"pay"`, `"name":"pay","name":"pay"`), "differs"},
		"other case":       {replace(`"name":"pay"`, `"NAME":"pay"`), "differs"},
		"missing field":    {replace(`"name":"pay",`, ``), "differs"},
		"number as text":   {replace(`"rows":10`, `"rows":"10"`), "other fields"},
		"number too large": {replace(`"low":0.6`, `"low":1e999`), "other fields"},
		"name":             {replace(`"name":"pay"`, `"name":"../pay"`), "name"},
		"no day":           {replace(`"2025-06-01"`, `"2025-06-31"`), "2025-06-31"},
		"created":          {replace(`2026-01-02T03:04:05Z`, `2026-01-02T03:04:05+01:00`), "created"},
		"positives":        {replace(`"positives":3`, `"positives":11`), "positives"},
		"bins":             {replace(`"column_bins":[`, `"column_bins":[{"edges":[],"shares":[0,0]},`), "bins"},
		"edges":            {replace(`"score_bins":{"edges":[`, `"score_bins":{"edges":[900,`), "score"},
		"slope":            {replace(`"slope":`, `"slope":-`), "slope"},
		"scale":            {replace(`"scale":1`, `"scale":-1`), "scale"},
		"both transforms":  {replace(`"levels":["ID","IN",`, `"levels":["ID","ID",`), "twice"},
		"term of level":    {replace(`"term_of":[`, `"term_of":[7,`), "levels"},
		"null content":     {seal("null"), "differs"},
		"empty content":    {seal("{}"), "differs"},
	} {
		_, err := models.Decode(test.data)
		var refused *models.ArtifactError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v does not say %q", name, err, test.says)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*models.Artifact){
		"no model":   func(a *models.Artifact) { a.Model = nil },
		"name":       func(a *models.Artifact) { a.Name = "a/b" },
		"NaN":        func(a *models.Artifact) { a.Metrics = map[string]models.Figure{"auc": {Value: math.NaN()}} },
		"infinite":   func(a *models.Artifact) { a.Baselines["base rate"]["x"] = models.Figure{High: math.Inf(1)} },
		"few bins":   func(a *models.Artifact) { a.ColumnBins = a.ColumnBins[1:] },
		"not UTF-8":  func(a *models.Artifact) { a.Definition = "\xff" },
		"very large": func(a *models.Artifact) { a.Definition = strings.Repeat("x", models.MaxArtifactBytes) },
	} {
		a := artifactOf(variedResult(t))
		change(a)
		if _, err := a.Encode(); err == nil && name != "not UTF-8" {
			t.Errorf("%s: encoded", name)
		}
	}
}

var update = flag.Bool("update", false, "write testdata/artifact.json anew")

// golden is an artifact that stays as it was written: files of users must be read by later programs.
func golden(t testing.TB) []byte {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/artifact.json", encoded(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile("testdata/artifact.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoldenIsRead(t *testing.T) {
	a, err := models.Decode(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	out, again := make([]float32, 4000), make([]float32, 4000)
	table := varied(4000)
	if err := errors.Join(a.Model.LogOdds(table.Values, out), variedResult(t).Model.LogOdds(table.Values, again)); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		// Another processor may round a fit otherwise; it is the same model all the same.
		if math.Abs(float64(out[i]-again[i])) > 1e-3 {
			t.Fatalf("row %d scores %v, and %v by the same fit now", i, out[i], again[i])
		}
	}
}

// FuzzDecode seals what it makes, so that the checks behind the sum are reached. What is accepted must score.
func FuzzDecode(f *testing.F) {
	data := golden(f)
	f.Add(data)
	var file struct{ Content json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(file.Content))
	f.Add([]byte(`{"model":{"columns":[{"name":"x","number":{}}]}}`))
	const rows = 200
	values := hostileRows(8)
	for c := range values {
		values[c] = values[c][:rows]
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, seal(string(data))} {
			a, err := models.Decode(data)
			if err != nil {
				continue
			}
			columns := len(a.Model.Columns())
			if columns > len(values) {
				continue
			}
			out := make([]float32, rows)
			if err := a.Model.LogOdds(values[:columns], out); err != nil {
				t.Fatal(err)
			}
			for i, v := range out {
				if !(v >= -models.LogOddsLimit && v <= models.LogOddsLimit) {
					t.Fatalf("row %d scores %v", i, v)
				}
			}
		}
	})
}
