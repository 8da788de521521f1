package sendtime

import (
	"context"
	"math/bits"
)

// Sample is a local day with activity of one CID.
type Sample struct {
	History  History // as it was known before the day
	Question Question
	Hours    uint32 // with activity, bit 0 from midnight on
}

// DaySample is any local day of one CID.
type DaySample struct {
	History  History // as it was known before the day
	Question Question
	Active   bool
}

// Data is what a model is fitted to. No sample may know what is later than its day.
type Data struct {
	Curves *Curves
	// Near are samples that know the day before, Ahead those that do not; Days are of days with and without activity.
	Near, Ahead []Sample
	Days        []DaySample
	// ActiveFavour is how many times as often an active day was drawn into Days as one without activity; 0 means 1.
	ActiveFavour float64
	// Delays say after how many minutes messages were answered.
	Delays []float64
}

// Options say how the coefficients are held back. Penalties are weights of squared coefficients of standardised columns.
type Options struct {
	BasePenalty   float64
	KernelPenalty float64 // as a share of the samples
	KernelSmooth  float64 // of the squared differences between neighbouring hours of the kernel, as a share of the samples
	DayPenalty    float64
	// ClickPenalty is for what the click model knows of messages, ClickBasePenalty for its columns of activity, of which habit has told already, and ClickSmooth
	// for the squared differences between its neighbouring hours.
	ClickPenalty, ClickBasePenalty, ClickSmooth float64
}

// DefaultOptions were chosen by the log loss of 2017 to 2021 in the commit times that the project measures with, each half of
// those years by a model of the years before it. Those of clicks were chosen by the log loss of later messages, and by how many more were answered, among made-up people
// of other seeds than those the tests use, after 14 to 250 days of messages.
func DefaultOptions() Options {
	return Options{BasePenalty: 100, KernelPenalty: 0.05, KernelSmooth: 0.05, DayPenalty: 10, ClickPenalty: 300, ClickBasePenalty: 3000, ClickSmooth: 300}
}

// leastSamples is from how many samples on a model is fitted; below, habits are shrunk by rule.
const leastSamples = 500

// Fit learns a model of habits; FitClick adds to it what became of messages. With fewer than 500 samples it is Untrained. Its errors are
// *NotConvergedError and that of the context.
// It takes two goroutines, and about half a kilobyte for each sample besides the samples; the result depends on the data and the options alone.
func Fit(ctx context.Context, d Data, o Options) (*Model, error) {
	m := Untrained(d.Curves)
	if len(d.Near) >= leastSamples {
		hours := 0
		for i := range d.Near {
			hours += bits.OnesCount32(d.Near[i].Hours)
		}
		m.MeanHours = float64(hours) / float64(len(d.Near))
		heads := []struct {
			of      *Head
			samples []Sample
			name    string
		}{{&m.Near, d.Near, "the model of hours"}, {&m.Ahead, d.Ahead, "the model of hours a day ahead"}}
		for _, head := range heads {
			if len(head.samples) < leastSamples {
				*head.of = m.Near
				continue
			}
			if err := m.fitBase(ctx, head.name, head.of, head.samples, o); err != nil {
				return nil, err
			}
			if err := m.fitKernel(ctx, head.name, head.of, head.samples, o); err != nil {
				return nil, err
			}
		}
		m.Trained = true
		m.fitWindows(d.Near)
	}
	if len(d.Days) >= leastSamples {
		if err := m.fitDay(ctx, d.Days, d.ActiveFavour, o); err != nil {
			return nil, err
		}
	}
	m.Delay = LearnDelay(d.Delays)
	return m, nil
}
