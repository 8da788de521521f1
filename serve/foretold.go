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
	told     map[asked][]*whowhenv1.Outcome
}

// asked is what a version is asked to say again.
type asked struct {
	identity string
	cutoff   propensity.Day
}

// outcomes are what a model says of a day, by tenths, and what came.
func (h *hindsight) outcomes(ctx context.Context, m *scoring.Model, q *propensity.Question, cutoff propensity.Day) ([]*whowhenv1.Outcome, error) {
	key := asked{m.Identity(), cutoff}
	if tenths, done := h.told[key]; done {
		return tenths, nil
	}
	o, err := outcomesOf(ctx, h.view, m, q, cutoff, h.walk)
	if err != nil {
		return nil, err
	}
	h.told[key] = o.tenths()
	return h.told[key], nil
}

// judgement is a scoring that is judged.
type judgement struct {
	foretold *whowhenv1.Foretold
	cutoff   propensity.Day
	model    *scoring.Model // that spoke; nil when it cannot speak again
	question *propensity.Question
	instead  bool // whether the model that is checked answers the same question, and is another
}

// judgements finds the scorings to judge, and by what. Nothing is computed yet. A record of scorings that cannot be read is no error, but told
// as damage.
func (h *hindsight) judgements() (list []judgement, damage string, err error) {
	scorings, err := h.dir.Scorings(h.model.Artifact().Name)
	if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelDamaged {
		return nil, problemOf(err), nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, s := range judged(scorings, h.before, h.most) {
		m, q, problem, err := h.whoSpoke(s.Scoring)
		if err != nil {
			return nil, "", err
		}
		if problem == "" {
			problem = forgotten(h.view, q, s.day)
		}
		one := judgement{cutoff: s.day, foretold: &whowhenv1.Foretold{Cutoff: s.Cutoff, Version: s.Version, At: timestamppb.New(s.At), Cids: s.CIDs, Probability: s.Probability, Problem: problem}}
		if problem == "" {
			one.model, one.question = m, q
			one.instead = m != h.model && sameQuestion(q, h.question)
		}
		list = append(list, one)
	}
	return list, "", nil
}

// walks is how many times everybody is to be scored for the judgements, and for what the model that is checked says of a cut-off, if that is asked.
func (h *hindsight) walks(list []judgement, cutoff propensity.Day, ask bool) int {
	all := map[asked]bool{}
	if ask {
		all[asked{h.model.Identity(), cutoff}] = true
	}
	for _, j := range list {
		if j.model != nil {
			all[asked{j.model.Identity(), j.cutoff}] = true
		}
		if j.instead {
			all[asked{h.model.Identity(), j.cutoff}] = true
		}
	}
	return len(all)
}

// judge compares what a scoring said with what came.
func (h *hindsight) judge(ctx context.Context, j judgement) (err error) {
	if j.model == nil {
		return nil
	}
	if j.foretold.Outcomes, err = h.outcomes(ctx, j.model, j.question, j.cutoff); err != nil || !j.instead {
		return err
	}
	j.foretold.InsteadSaw = trainedOn(h.model.Artifact(), j.foretold.Cutoff)
	j.foretold.Instead, err = h.outcomes(ctx, h.model, h.question, j.cutoff)
	return err
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
