package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"whowhen.dev/whowhen/training/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a report of a model that is fair, with everything that a report can say.
func sample() *report.Report {
	f := report.Figures{AUC: 0.7524, LogLoss: 0.5962, Brier: 0.2041, CalibrationError: 0.021, LiftAt10: 1.72, Intervals: map[string][2]float64{
		"auc": {0.735, 0.769}, "log_loss": {0.579, 0.613}, "brier": {0.197, 0.211}, "calibration_error": {0.012, 0.035}, "lift_at_10": {1.66, 1.78},
	}}
	r := &report.Report{
		Name: "pay", Version: "20110901-000001", CreatedAt: time.Date(2011, 12, 10, 8, 0, 0, 0, time.UTC), App: "default", Zone: "UTC", Position: 42,
		Figures: f, Rows: 3317, Positives: 1864, TestCutoffs: 2, Mean: report.Means{AUC: 0.75, LogLoss: 0.6, Brier: 0.21, CalibrationError: 0.02, LiftAt10: 1.7},
		Baselines: map[string]report.Baseline{
			"base_rate": {Figures: report.Figures{AUC: 0.5, LogLoss: 0.686, Brier: 0.247, LiftAt10: 1}, Better: 0.09, BetterInterval: [2]float64{0.07, 0.11}},
			"recency":   {Figures: report.Figures{AUC: 0.684, LogLoss: 0.635, Brier: 0.22, LiftAt10: 1.4}, Better: 0.039, BetterInterval: [2]float64{0.02, 0.06}},
		},
		Gate: report.Gate{Passed: true, Reasons: []string{"log loss is better than that of recency only by 0.039 (95 %: 0.020 to 0.060)"}},
		Cutoffs: []report.Cutoff{
			{Day: "2011-03-03", HorizonEnd: "2011-06-01", Use: "train", Rows: 1800, Positives: 1000, Kept: 1800},
			{Day: "2011-06-01", HorizonEnd: "2011-08-30", Use: "train", Rows: 2700, Positives: 1500, Kept: 2700, Lost: 3},
			{Day: "2011-09-01", HorizonEnd: "2011-11-30", Use: "test", Rows: 3317, Positives: 1864, Kept: 3317, Figures: &f},
		},
		WithoutReceipts: &report.Means{AUC: 0.74, LogLoss: 0.6, Brier: 0.2, LiftAt10: 1.6},
		Coefficients: []report.Coefficient{
			{Column: `days("purchase", within 90d)`, Words: "active on 2 days more with purchase in the last 90 days", Odds: 1.8, Interval: [2]float64{1.5, 2.1}, Weight: 0.6},
			{Column: `recency("purchase")`, Words: "30 days longer since the last purchase", Odds: 0.6, Interval: [2]float64{0.5, 0.7}, Weight: 0.5},
			{Column: `attr("country")`, Words: "country is \"Germany\"", Odds: 1.1, Interval: [2]float64{0.7, 1.7}, Weight: 0.1},
		},
		Drift:      []report.Drift{{Column: "tenure", Words: "days since first heard of", PSI: 0.61, Grows: true}, {Column: `recency("purchase")`, Words: "days since the last purchase", PSI: 0.12}, {Column: `night("purchase")`, Words: "share by night", PSI: 0.01}},
		ScoreDrift: 0.05,
		Definition: report.Definition{Eligible: `did("purchase")`, Target: `did("purchase")`, HorizonDays: 90, TOML: "name = 'pay'\n"},
		Fit:        report.Fit{Rows: 4500, Positives: 2500, Columns: 31, Terms: 88, Penalty: 10, Calibration: "none", Notes: []string{"chosen on folds by time"}, First: "2010-12-01", Last: "2011-12-09"},
		Warnings:   []string{`a name from <data> & "elsewhere"`}, LeftOut: []string{"sum of purchase.StockCode: looks like an id"},
	}
	for i := range 10 {
		p := 0.95 - 0.08*float64(i)
		r.Deciles = append(r.Deciles, report.Decile{Predicted: p, Observed: p - 0.01, ObservedInterval: [2]float64{p - 0.06, p + 0.04}, Lift: p / 0.56, LiftInterval: [2]float64{p/0.56 - 0.1, p/0.56 + 0.1}})
		x := float64(i+1) / 10
		r.Gain = append(r.Gain, report.Point{Messaged: x, Caught: math.Sqrt(x)})
		r.GainRecency = append(r.GainRecency, report.Point{Messaged: x, Caught: math.Pow(x, 0.8)})
		r.Distribution = append(r.Distribution, report.Bin{From: x - 0.1, To: x, Positives: x / 5.5, Negatives: (1.1 - x) / 5.5})
	}
	for i := range 21 {
		x := 1 - float64(i)/20
		r.Thresholds = append(r.Thresholds, report.Threshold{Score: 1 - x, Messaged: int(3317 * x), Caught: int(1864 * math.Sqrt(x)), Disturbed: int(1453 * x * x), Recall: math.Sqrt(x), Precision: 0.6})
	}
	r.ByShare = []report.ShareThreshold{
		{Share: 0.01, Threshold: report.Threshold{Score: 0.97, Messaged: 33, Caught: 32, Disturbed: 1, Recall: 0.017, Precision: 0.97}},
		{Share: 0.1, Threshold: report.Threshold{Score: 0.913, Messaged: 332, Caught: 312, Disturbed: 20, Recall: 0.167, Precision: 0.94}},
		{Share: 0.4, Threshold: report.Threshold{Score: 0.7, Messaged: 1327, Caught: 1088, Disturbed: 239, Recall: 0.584, Precision: 0.82}},
		{Share: 1, Threshold: report.Threshold{Score: 0, Messaged: 3317, Caught: 1864, Disturbed: 1453, Recall: 1, Precision: 0.562}},
	}
	return r
}

func TestHTMLGolden(t *testing.T) {
	var b bytes.Buffer
	if err := sample().HTML(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.html", b.Bytes())
}

func TestJSONGolden(t *testing.T) {
	text, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", text)
	var top map[string]any
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"auc", "log_loss", "brier", "lift_at_10", "rows", "positives"} {
		if _, number := top[key].(float64); !number {
			t.Errorf("%s is %v, want a number at the top", key, top[key])
		}
	}
	for _, key := range []string{"baselines", "cutoffs"} {
		if top[key] == nil {
			t.Errorf("%s is missing at the top", key)
		}
	}
}

// TestHTMLStandsAlone checks that the page asks no other host for anything, runs no script, closes what it opens, and shows text from the
// data as text.
func TestHTMLStandsAlone(t *testing.T) {
	r := sample()
	r.Name, r.Definition.TOML = `</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, wrong := range []string{"<script", "<img", "src=x onerror=alert(1)>", "http:", "https:", "url(", "@import", "NaN", "ZgotmplZ"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page has %q", wrong)
		}
	}
	for rest := page; ; {
		start := strings.Index(rest, "<svg")
		if start < 0 {
			break
		}
		end := strings.Index(rest, "</svg>") + len("</svg>")
		d := xml.NewDecoder(strings.NewReader(rest[start:end]))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("a picture is no XML: %v", err)
			}
		}
		rest = rest[end:]
	}
}

// TestEmptyReport checks that a report of nothing is a page still.
func TestEmptyReport(t *testing.T) {
	var b bytes.Buffer
	if err := (&report.Report{}).HTML(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Error("the page of an empty report has numbers that are none")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it anew\n%s", name, diff)
	}
}
