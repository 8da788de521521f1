// Package report shows what a training found: as JSON for programs, and as one HTML file with pictures for people.
//
// A Report is plain data, filled by package training. Its JSON form is the one of `--json`: keys stay, new ones may come. The HTML
// needs nothing but itself, runs no scripts, and holds no figure that the JSON does not.
package report

import (
	"encoding/json"
	"fmt"
	"time"
)

// Report is all that is said of one training. The embedded Figures, Rows, Positives, Baselines and the pictures are of the test
// cut-off, the newest one if there are several.
type Report struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	App       string    `json:"app"`
	Zone      string    `json:"zone"`
	// Position is the end of what was read of the app's log.
	Position uint64 `json:"position"`

	Figures
	Rows      int `json:"rows"`      // eligible at the test cut-off
	Positives int `json:"positives"` // of them, those the target holds for
	// Baselines are plainer predictions of the same rows, by name: base_rate, recency, and active if there is an active model.
	Baselines map[string]Baseline `json:"baselines"`
	Gate      Gate                `json:"gate"`
	Cutoffs   []Cutoff            `json:"cutoffs"` // by day
	// Mean has the means over all test cut-offs, equally weighted; TestCutoffs says over how many.
	Mean        Means `json:"mean"`
	TestCutoffs int   `json:"test_cutoffs"`
	// WithoutReceipts are the figures of a model without the columns of receipts, which carry the policy of whom was
	// messaged so far; nil where the model has no such columns.
	WithoutReceipts *Means `json:"without_receipts,omitempty"`

	Deciles      []Decile         `json:"deciles"`
	Gain         []Point          `json:"gain"`
	GainRecency  []Point          `json:"gain_recency"`
	Distribution []Bin            `json:"distribution"`
	Thresholds   []Threshold      `json:"thresholds"`
	ByShare      []ShareThreshold `json:"by_share"`
	Coefficients []Coefficient    `json:"coefficients"`
	Drift        []Drift          `json:"drift"`
	ScoreDrift   float64          `json:"score_drift"` // population stability of the score between training and test

	Definition Definition `json:"definition"`
	Fit        Fit        `json:"fit"`
	Warnings   []string   `json:"warnings"`
	LeftOut    []string   `json:"left_out"`
}

// Figures judge predictions; Intervals has the 95 % intervals by the keys of the figures, clustered by CID.
type Figures struct {
	AUC              float64               `json:"auc"`
	LogLoss          float64               `json:"log_loss"`
	Brier            float64               `json:"brier"`
	CalibrationError float64               `json:"calibration_error"`
	LiftAt10         float64               `json:"lift_at_10"`
	Intervals        map[string][2]float64 `json:"intervals,omitempty"`
}

// Means are figures without intervals.
type Means struct {
	AUC              float64 `json:"auc"`
	LogLoss          float64 `json:"log_loss"`
	Brier            float64 `json:"brier"`
	CalibrationError float64 `json:"calibration_error"`
	LiftAt10         float64 `json:"lift_at_10"`
}

// Baseline is a plainer prediction. Better is by how much log loss the model is better, above 0 when it is, with its 95 % interval.
type Baseline struct {
	Figures
	Better         float64    `json:"better_log_loss"`
	BetterInterval [2]float64 `json:"better_log_loss_interval"`
	BetterAUC      float64    `json:"better_auc"`
	AUCInterval    [2]float64 `json:"better_auc_interval"`
}

// Gate says whether the model may be activated without force, and why.
type Gate struct {
	Passed  bool     `json:"passed"`
	Reasons []string `json:"reasons"`
}

// Cutoff is one day at which the past ends, and what was found there.
type Cutoff struct {
	Day        string   `json:"day"`
	HorizonEnd string   `json:"horizon_end"` // the first day after the horizon
	Use        string   `json:"use"`         // train or test
	Rows       int      `json:"rows"`        // eligible
	Positives  int      `json:"positives"`
	Kept       int      `json:"kept"` // of the rows, those read: less where a sample was taken
	Lost       int      `json:"lost"` // known to the app once, and erased or invalid since
	Figures    *Figures `json:"figures,omitempty"`
}

// BaseRate is the share of positives.
func (c Cutoff) BaseRate() float64 { return ratio(float64(c.Positives), float64(c.Rows)) }

// Decile is a tenth of the rows by score, the highest first.
type Decile struct {
	Predicted        float64    `json:"predicted"` // mean probability
	Observed         float64    `json:"observed"`  // share of positives
	ObservedInterval [2]float64 `json:"observed_interval"`
	Lift             float64    `json:"lift"`
	LiftInterval     [2]float64 `json:"lift_interval"`
}

// Point is a point of a gain curve: messaging this share of the rows, highest score first, reaches that share of the positives.
type Point struct {
	Messaged float64 `json:"messaged"`
	Caught   float64 `json:"caught"`
}

// Bin is a span of the probability, of equal length, or of equal length in log-odds where scores lie close together, with the share of all positives and of all negatives in it.
type Bin struct {
	From      float64 `json:"from"`
	To        float64 `json:"to"`
	Positives float64 `json:"positives"`
	Negatives float64 `json:"negatives"`
}

// Threshold says what `score("NAME") >= Score` would have caught and disturbed at the test cut-off.
type Threshold struct {
	Score     float64 `json:"score"`
	Messaged  int     `json:"messaged"`
	Caught    int     `json:"caught"`    // messaged, and the target holds
	Disturbed int     `json:"disturbed"` // messaged, and it does not
	Recall    float64 `json:"recall"`    // caught of all positives
	Precision float64 `json:"precision"` // caught of all messaged
}

// ShareThreshold says what messaging a share of the rows, those with the highest scores, would have caught and disturbed. Score is the shortest decimal
// for which `score("NAME") >= Score` are just these. Whoever has the score of the last one of the share is among them, so they may be more.
type ShareThreshold struct {
	Share float64 `json:"share"`
	Threshold
}

// Coefficient says what a difference in one raw column does to the odds, other columns being equal.
type Coefficient struct {
	Column   string     `json:"column"` // canonical text
	Words    string     `json:"words"`  // such as "opened 10 days more in the last 30"
	Odds     float64    `json:"odds"`   // factor of the odds
	Interval [2]float64 `json:"interval"`
	// Weight is the standard deviation of the column's part in the log-odds over the training rows: how much it matters.
	Weight float64 `json:"weight"`
}

// Drift says how far a column moved between training and test: population stability index, below 0.1 little, above 0.25 much.
type Drift struct {
	Column string  `json:"column"`
	Words  string  `json:"words"`
	PSI    float64 `json:"psi"`
	// Grows says that the column moves with the time that the store covers, so that its index says nothing of the world.
	Grows bool `json:"grows"`
}

// Definition is what was asked.
type Definition struct {
	Eligible    string `json:"eligible"`
	Target      string `json:"target"`
	HorizonDays int    `json:"horizon_days"`
	TOML        string `json:"toml"`
}

// Fit says how the model came about.
type Fit struct {
	Rows        int      `json:"rows"`
	Positives   int      `json:"positives"`
	Columns     int      `json:"columns"` // raw
	Terms       int      `json:"terms"`   // coefficients
	Penalty     float64  `json:"penalty"`
	Calibration string   `json:"calibration"`
	Notes       []string `json:"notes"`
	// First and Last are the days of the events that the definition asks about, as known.
	First string `json:"first_day"`
	Last  string `json:"last_day"`
}

// JSON returns the report as `--json` prints it, indented, with a newline at the end.
func (r *Report) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Note adds a sentence to the notes.
func (f *Fit) Note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}
