package sendtime

import (
	"fmt"
	"io"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
)

// Options say what to train on or to judge. The zero value is usable for a backtest but for From, for a training but for Version and CreatedAt.
type Options struct {
	// Source says what tells of rhythms; the zero value is rhythm.DefaultSource.
	Source rhythm.Source
	// From is the first day that is judged: the model is fitted to what happened before it. A training that is told none takes the last fifth
	// of its days, a year at most.
	From propensity.Day
	// MostSamples bounds, about, the active days the model of hours is fitted to, again the days that the model of days is, and again the messages. Beyond it samples
	// are drawn by CID, the same in every store. 0 means DefaultMostSamples.
	MostSamples int
	// MostJudged bounds, about, the days with activity that are judged. Beyond it those of a sample of CIDs are, the same in every store. 0 means all of them in a
	// backtest, and as many as MostSamples in a training.
	MostJudged int
	// Fit says how coefficients are held back; nil means model.DefaultOptions.
	Fit *model.Options
	// Rows, if not nil, is written the CID, the local day and the 24 probabilities of every day judged, as CSV with a header.
	Rows io.Writer
	// Version of the artifact, as the registry counts them, and the moment to write into it and into reports.
	Version   string
	CreatedAt time.Time
	// Progress is called with every step from the goroutine that asked; nil when nobody wants to know.
	Progress func(Progress)
}

// Progress says how far a job is: Done of Of parts of the step What. Of is 0 where the parts cannot be counted.
type Progress struct {
	What     string
	Done, Of int
}

// DefaultMostSamples takes some 250 MB.
const DefaultMostSamples = 100_000

// OptionError says what is wrong with what was asked for, and what to do.
type OptionError struct{ Message string }

func (e *OptionError) Error() string { return e.Message }

func badOption(format string, args ...any) error {
	return &OptionError{fmt.Sprintf(format, args...)}
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Source.Engaged) == 0 {
		standard := rhythm.DefaultSource()
		standard.ZoneAttribute, standard.CountryAttribute = o.Source.ZoneAttribute, o.Source.CountryAttribute
		o.Source = standard
	}
	if o.MostSamples == 0 {
		o.MostSamples = DefaultMostSamples
	}
	if o.Fit == nil {
		fit := model.DefaultOptions()
		o.Fit = &fit
	}
	if o.MostSamples < 1000 || o.MostSamples > 10_000_000 {
		return o, badOption("fitting to at most %d samples makes no sense; give 1000 to 10000000", o.MostSamples)
	}
	return o, nil
}
