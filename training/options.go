package training

import (
	"fmt"
	"time"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
)

// Options say how to train. The zero value is usable but for Version and CreatedAt.
type Options struct {
	Cutoffs Cutoffs
	// MostRows bounds the rows trained on, over all cut-offs together, and again those judged at each test cut-off. Beyond it a sample by CID is
	// taken, and weighed. 0 means DefaultMostRows.
	MostRows int
	// MostColumns bounds the columns; 0 has it chosen by how much data there is.
	MostColumns int
	// MostLost is the share of a cut-off's population that may have been lost since; 0 means DefaultMostLost.
	MostLost float64
	// Seed chooses the sample, and what else is left to chance. The same seed on the same store gives the same bytes.
	Seed uint64
	// Version of the artifact, as the registry counts them, and the moment to write into it.
	Version   string
	CreatedAt time.Time
	// Active is the model that is active under the name, to compare with; nil when there is none.
	Active *models.Model
	// ActiveLastDay is the last day whose outcomes the active model was fitted to, as its artifact says; 0 when it is not known.
	ActiveLastDay propensity.Day
	// Workers is how many goroutines read and compute; 0 means 2. The result does not depend on it.
	Workers int
	// Fit has what models.Fit can be told; nil means its defaults for propensity, with splines. Seed, Workers and a penalty that the definition gives
	// replace what it says.
	Fit *models.Options
	// Progress is called with every step, one call at a time, from any goroutine; nil when nobody wants to know.
	Progress func(Progress)
}

// Progress says how far a training is: Done of Of parts of the step What. Of is 0 where the parts cannot be counted.
type Progress struct {
	What     string
	Done, Of int
}

// OptionError says which of the Options cannot be.
type OptionError struct {
	Message string // a sentence: what is wrong, what to give
}

// Error returns the message.
func (e *OptionError) Error() string { return e.Message }

func badOption(format string, args ...any) error {
	return &OptionError{Message: fmt.Sprintf(format, args...)}
}

const (
	// DefaultMostRows takes some 400 MB for a hundred columns.
	DefaultMostRows = 1_000_000
	// DefaultMostLost is small: the lost may have been lost for what they did.
	DefaultMostLost = 0.05
)

func (o Options) withDefaults() (Options, error) {
	if o.MostRows == 0 {
		o.MostRows = DefaultMostRows
	}
	if o.MostLost == 0 {
		o.MostLost = DefaultMostLost
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Fit == nil {
		fit := models.DefaultOptions()
		fit.Shape = models.ShapeSpline
		o.Fit = &fit
	}
	switch {
	case o.MostRows < 1000 || o.MostRows > 100_000_000:
		return o, badOption("training on at most %d rows makes no sense; give 1000 to 100000000", o.MostRows)
	case !(o.MostLost > 0 && o.MostLost <= 1):
		return o, badOption("a share of %v of the population that may be lost makes no sense; give more than 0, up to 1", o.MostLost)
	case o.Workers < 0 || o.Workers > 1024:
		return o, badOption("%d workers make no sense; give 1 to 1024", o.Workers)
	}
	return o, nil
}
