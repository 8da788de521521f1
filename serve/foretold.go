package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/propensity"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// How many scorings are judged at a time. Each takes as long as scoring everybody, once for the version that was active then and once for the
// one that is checked, if that is another. The server looks at the newest day by day.
const mostForetold, mostWatched = 4, 1

// hindsight compares what was foretold, or would have been, with what came.
//
// Nobody's scores of an earlier day are kept. But a version never changes, and what it says of a day depends on what happened before
// that day alone; so what a scoring said is computed again by the version that did it. It differs where records came after the scoring, or are not
// kept any more, for which the record of the scoring has how many there were and their mean.
type hindsight struct {
	dir      registry.Registry
	view     *segments.View
	before   propensity.Day // the days before it are known
	walk     scoring.Walk
	most     int            // scorings to judge
	model    *scoring.Model // that is checked
	question *propensity.Question
	said     map[propensity.Day][]*whowhenv1.Outcome // by the model that is checked
}

// outcomes are what a model says of a day, by tenths, and what came.
func (h *hindsight) outcomes(ctx context.Context, m *scoring.Model, q *propensity.Question, cutoff propensity.Day) ([]*whowhenv1.Outcome, error) {
	if said, done := h.said[cutoff]; done && m == h.model {
		return said, nil
	}
	o, err := outcomesOf(ctx, h.view, m, q, cutoff, h.walk)
	if err != nil {
		return nil, err
	}
	tenths := o.tenths()
	if m == h.model {
		h.said[cutoff] = tenths
	}
	return tenths, nil
}

// foretold judges the scorings that judged chooses. A record of scorings that cannot be read is no error, but told as damage.
func (h *hindsight) foretold(ctx context.Context) (list []*whowhenv1.Foretold, damage string, err error) {
	scorings, err := h.dir.Scorings(h.model.Artifact().Name)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelDamaged {
		return nil, problemOf(err), nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, s := range judged(scorings, h.before, h.most) {
		f, err := h.judge(ctx, s.Scoring, s.day)
		if err != nil {
			return nil, "", err
		}
		list = append(list, f)
	}
	return list, "", nil
}

// dated is a scoring with its cut-off as a number.
type dated struct {
	registry.Scoring
	day propensity.Day
}

// judged chooses the scorings to judge, at most so many, when the days before one are known, the newest first: the newest whose horizon has ended, and before it
// those whose horizons do not overlap, since the same outcomes again would say nothing new. Of several of a cut-off it takes the last, which
// is what expressions saw for longest as a rule.
func judged(scorings []registry.Scoring, before propensity.Day, most int) (list []dated) {
	var ended []dated
	for _, s := range slices.Backward(scorings) {
		day, err := propensity.ParseDay(s.Cutoff)
		if err == nil && int(day)+s.HorizonDays <= int(before) {
			ended = append(ended, dated{s, day})
		}
	}
	slices.SortStableFunc(ended, func(a, b dated) int { return int(b.day) - int(a.day) })
	for _, s := range ended {
		if n := len(list); n == 0 || n < most && int(s.day)+s.HorizonDays <= int(list[n-1].day) {
			list = append(list, s)
		}
	}
	return list
}

// judge compares what a scoring said with what came.
func (h *hindsight) judge(ctx context.Context, s registry.Scoring, cutoff propensity.Day) (*whowhenv1.Foretold, error) {
	f := &whowhenv1.Foretold{Cutoff: s.Cutoff, Version: s.Version, At: timestamppb.New(s.At), Cids: s.CIDs, Probability: s.Probability}
	m, q, problem, err := h.whoSpoke(s)
	if err != nil {
		return nil, err
	}
	if problem == "" {
		problem = forgotten(h.view, q, cutoff)
	}
	if f.Problem = problem; problem != "" {
		return f, nil
	}
	if f.Outcomes, err = h.outcomes(ctx, m, q, cutoff); err != nil {
		return nil, err
	}
	if m == h.model || !sameQuestion(q, h.question) {
		return f, nil
	}
	f.InsteadSaw = trainedOn(h.model.Artifact(), s.Cutoff)
	f.Instead, err = h.outcomes(ctx, h.model, h.question, cutoff)
	return f, err
}

// whoSpoke returns the version that did a scoring, or why it cannot speak again.
func (h *hindsight) whoSpoke(s registry.Scoring) (m *scoring.Model, q *propensity.Question, problem string, err error) {
	if s.Identity == h.model.Identity() {
		return h.model, h.question, "", nil
	}
	m, q, err = loadModel(h.dir, h.model.Artifact().Name, s.Version)
	if err == nil && m.Identity() != s.Identity {
		return nil, nil, fmt.Sprintf("version %s is another one now than that which was active then", s.Version), nil
	}
	if err == nil {
		err = m.Fits(h.view)
	}
	if known := new(segments.Error); errors.As(err, &known) {
		switch known.Reason {
		case registry.VersionUnknown:
			return nil, nil, fmt.Sprintf("the files of version %s are not there any more", s.Version), nil
		case registry.ModelDamaged, scoring.ModelMisfit:
			return nil, nil, problemOf(err), nil
		}
	}
	return m, q, "", err
}

func sameQuestion(a, b *propensity.Question) bool {
	return a.Definition.Eligible == b.Definition.Eligible && a.Definition.Target == b.Definition.Target && a.Definition.HorizonDays == b.Definition.HorizonDays
}

// forgotten says why it cannot be told any more for whom the target of a cut-off held, or returns "".
func forgotten(view *segments.View, q *propensity.Question, cutoff propensity.Day) string {
	for _, w := range view.Warnings(q.Over(cutoff)) {
		if w.Reason == "BEYOND_RETENTION" {
			return fmt.Sprintf("events %s from %s on are asked about, and are not kept for so long", value.Quote(w.Name), cutoff)
		}
	}
	return ""
}
