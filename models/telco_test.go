package models_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
)

// sharedData returns the path of a file of real data, or skips the test where there is none.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s beside the project: the reference figures are not checked", name)
	return ""
}

// telco is the churn table with the named columns, in groups of three rows.
func telco(t testing.TB, names []string, weighted bool) models.Table {
	t.Helper()
	f, err := os.Open(sharedData(t, "telco_churn.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header, rows := rows[0], rows[1:]
	var table models.Table
	for i, row := range rows {
		table.Label = append(table.Label, row[slices.Index(header, "Churn")] == "Yes")
		table.Group = append(table.Group, uint32(i/3))
		if weighted {
			table.Weight = append(table.Weight, float32(1+i%3))
		}
	}
	for _, name := range names {
		at := slices.Index(header, name)
		column := models.Column{Name: name}
		values := make([]float32, len(rows))
		if !slices.Contains([]string{"SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges"}, name) {
			for _, row := range rows {
				column.Levels = append(column.Levels, row[at])
			}
			slices.Sort(column.Levels)
			column.Levels = slices.Compact(column.Levels)
		}
		for i, row := range rows {
			switch cell := strings.TrimSpace(row[at]); {
			case column.Levels != nil:
				values[i] = float32(slices.Index(column.Levels, row[at]))
			case cell == "":
				values[i] = float32(math.NaN())
			default:
				v, err := strconv.ParseFloat(cell, 32)
				if err != nil {
					t.Fatal(err)
				}
				values[i] = float32(v)
			}
		}
		table.Columns = append(table.Columns, column)
		table.Values = append(table.Values, values)
	}
	return table
}

type reference struct {
	Penalty        float64
	Weighted       bool
	Columns        []string
	Coefficients   map[string]float64
	StandardErrors map[string]float64 `json:"standard_errors"`
	AUC, Brier     float64
	LogLoss        float64 `json:"log_loss"`
}

func TestTelcoAgainstReference(t *testing.T) {
	data, err := os.ReadFile("testdata/telco_reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Fits []reference
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, want := range file.Fits {
		t.Run(strconv.FormatFloat(want.Penalty, 'g', -1, 64), func(t *testing.T) {
			table := telco(t, want.Columns, want.Weighted)
			got, err := models.Fit(context.Background(), table, models.Options{
				Penalties: []float64{want.Penalty}, Shape: models.ShapeLinear, Calibrate: models.CalibrateNever, MinLevelRows: 1,
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			coefficients := got.Model.Coefficients()
			if len(coefficients) != len(want.Coefficients) {
				t.Fatalf("%d coefficients, the reference has %d", len(coefficients), len(want.Coefficients))
			}
			for _, c := range coefficients {
				name := "intercept"
				if c.Column >= 0 {
					name = table.Columns[c.Column].Name + " " + string(c.Term)
					if c.Level != "" {
						name += " " + c.Level
					}
				}
				near(t, name, c.Value, want.Coefficients[name], 1e-5)
				near(t, name+" standard error", c.StandardError, want.StandardErrors[name], 1e-5)
			}
			if want.AUC == 0 {
				return
			}
			judged := predicted(t, got.Model, table)
			for _, m := range []struct {
				name   string
				metric func(metrics.Rows) (metrics.Estimate, error)
				want   float64
			}{{"AUC", metrics.AUC, want.AUC}, {"log loss", metrics.LogLoss, want.LogLoss}, {"Brier", metrics.Brier, want.Brier}} {
				e, err := m.metric(judged)
				if err != nil {
					t.Fatal(err)
				}
				near(t, m.name, e.Value, m.want, 1e-6)
			}
			near(t, "log loss of the fit", got.LogLoss, want.LogLoss, 1e-6)
		})
	}
}

func predicted(t testing.TB, m *models.Model, table models.Table) metrics.Rows {
	t.Helper()
	out := make([]float32, len(table.Label))
	if err := m.LogOdds(table.Values, out); err != nil {
		t.Fatal(err)
	}
	rows := metrics.Rows{Label: table.Label, Weight: table.Weight, Group: table.Group}
	for _, v := range out {
		rows.Probability = append(rows.Probability, models.Probability(float64(v)))
	}
	return rows
}

func near(t testing.TB, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %.9g, the reference is %.9g", what, got, want)
	}
}
