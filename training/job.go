package training

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// job is one training.
type job struct {
	app      *segments.App
	base     *segments.View    // as of now; every other view is of the same version
	timely   *segments.View    // base without the records that come later than usual
	catalog  *segments.Catalog // what was known at the newest cut-off trained on
	question *propensity.Question
	options  Options
	known    span
	cutoffs  Cutoffs
	warnings []string
	leftOut  []string
	notes    []string
	// impossible says of conditions of the definition why they do not hold of anyone.
	impossible []string

	mu sync.Mutex // progress is told one step at a time
}

func (j *job) progress(what string, done, of int) {
	if j.options.Progress == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.options.Progress(Progress{What: what, Done: min(done, of), Of: of})
}

// warn says something once: what asks whom the definition is of and what it predicts is often wrong in both.
func (j *job) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(j.warnings, text) {
		j.warnings = append(j.warnings, text)
	}
}

// cannotBe notes why a condition of the definition does not hold of anyone.
func (j *job) cannotBe(reason string) {
	j.warn("%s", reason)
	if !slices.Contains(j.impossible, reason) {
		j.impossible = append(j.impossible, reason)
	}
}

// look finds the span of the data, and names what the definition asks about that is not there, or cannot be.
func (j *job) look(ctx context.Context) error {
	catalog, err := j.base.Catalog(ctx)
	if err != nil {
		return err
	}
	j.warnings = append(j.warnings, j.question.Warnings...)
	ofEvents := map[string]bool{}
	for _, n := range []expr.Node{j.question.Eligible, j.question.Target} {
		for _, w := range j.base.Warnings(n) {
			j.cannotBe(w.Message)
			ofEvents[w.Message] = w.Reason == "UNKNOWN_EVENT"
		}
	}
	for _, reason := range j.never(catalog) {
		j.cannotBe(reason)
	}
	for i, e := range catalog.Events {
		if day := propensity.Day(e.LastDay); i == 0 || day > j.known.last {
			j.known.last = day
		}
	}
	if today := propensity.Day(j.base.Day()); j.known.last >= today {
		j.known.last, j.known.whole = today-1, true
	}
	var unknown []string
	for _, name := range j.question.Events() {
		i := slices.IndexFunc(catalog.Events, func(e segments.EventSummary) bool { return e.Name == name })
		if i < 0 {
			text := value.Quote(name)
			if n, ok := expr.Nearest(name, slices.DeleteFunc(j.base.Events(), func(known string) bool { return known == name })); ok {
				text += fmt.Sprintf(" (did you mean %s?)", value.Quote(n))
			}
			unknown = append(unknown, text)
			continue
		}
		j.known.first = max(j.known.first, propensity.Day(catalog.Events[i].FirstDay))
	}
	if len(unknown) > 0 {
		text := "there is nothing to learn from: nobody has done " + strings.Join(unknown, " nor ")
		for _, w := range j.warnings {
			if !ofEvents[w] { // which are said already
				text += "; " + w
			}
		}
		return badCutoff("%s", text)
	}
	return j.checkDeclared(catalog)
}
