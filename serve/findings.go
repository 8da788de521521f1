package serve

import (
	"fmt"
	"math"
	"slices"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// findingsOf says in sentences what somebody should look at. silent says since when nothing is known, if that is why the scores
// are others; forgotten says why the outcomes are not known, when it is because events are not kept.
func findingsOf(a *models.Artifact, c *whowhenv1.ModelCheck, silent, forgotten string) (findings []string) {
	if silent != "" {
		findings = append(findings, silent)
	}
	if c.Eligible == 0 {
		findings = append(findings, "nobody is eligible")
	}
	if silent == "" {
		findings = append(findings, findingsMoved(c)...)
	}
	return append(append(findings, findingsThen(c)...), findingsInstead(a, c, forgotten)...)
}

// findingsMoved says what is distributed otherwise than in training.
func findingsMoved(c *whowhenv1.ModelCheck) (findings []string) {
	const another = 0.25 // of the population stability index
	if c.ScoreStability > another {
		findings = append(findings, fmt.Sprintf("the scores are not distributed as in training (stability %.2f, above %.2f): train again", c.ScoreStability, another))
	}
	const most = 5 // named
	named := 0
	for _, column := range c.Columns {
		if column.Stability <= another || named == most {
			break
		}
		if column.Grows {
			continue
		}
		named++
		findings = append(findings, fmt.Sprintf("%s is not distributed as in training (stability %.2f)", column.Column, column.Stability))
	}
	return findings
}

// findingsThen says how well the newest scores did whose horizon has ended.
func findingsThen(c *whowhenv1.ModelCheck) (findings []string) {
	if len(c.Foretold) == 0 {
		return nil
	}
	f := c.Foretold[0]
	if f.Problem != "" {
		return []string{fmt.Sprintf("what version %s foretold for %s cannot be compared with what came: %s", f.Version, f.Cutoff, f.Problem)}
	}
	then := totalOf(f.Outcomes)
	if then.off() {
		advice := ": train again"
		if f.Version != c.Version {
			advice = ""
			alike := c.OutcomesCutoff == f.Cutoff && totalOf(c.Outcomes).off() // which is told anyway
			if instead := totalOf(f.Instead); instead.cids > 0 && !alike {
				advice = fmt.Sprintf("; version %s would have foretold %.1f %%", c.Version, 100*instead.foretold/instead.cids)
			}
		}
		findings = append(findings, fmt.Sprintf("of those eligible on %s it held for %.1f %%, foretold by version %s were %.1f %%%s",
			f.Cutoff, 100*then.positives/then.cids, f.Version, 100*then.foretold/then.cids, advice))
	}
	// By a part in a hundred of the CIDs, or as much of a probability, tenths are hardly others.
	const much = 0.01
	if again, n := then.foretold/max(then.cids, 1), float64(f.Cids); math.Abs(then.cids-n) > much*max(then.cids, n) || math.Abs(again-f.Probability) > much {
		findings = append(findings, fmt.Sprintf("for %s version %s gave %d CIDs a score, of %.1f %% on average, and from what the store has now it gives %.0f one, of %.1f %%: records came later or are not kept, so the tenths are not quite those of then",
			f.Cutoff, f.Version, f.Cids, 100*f.Probability, then.cids, 100*again))
	}
	return findings
}

// findingsInstead says how well the version that is checked would have done on the last day whose horizon has ended.
func findingsInstead(a *models.Artifact, c *whowhenv1.ModelCheck, forgotten string) (findings []string) {
	switch {
	case forgotten != "":
		return []string{"what came a horizon later cannot be told: " + forgotten}
	case c.Eligible == 0 && len(c.Outcomes) == 0:
		return nil
	case len(c.Outcomes) == 0:
		return []string{"the app has no past as long as the horizon, so there is nothing to compare with what came"}
	}
	told := len(c.Foretold) > 0 && c.Foretold[0].Problem == "" && c.Foretold[0].Version == c.Version && c.Foretold[0].Cutoff == c.OutcomesCutoff
	if total := totalOf(c.Outcomes); total.off() && !told {
		advice := ": train again"
		if judgedAt(a, c.OutcomesCutoff) {
			advice = ", as its report shows"
		}
		findings = append(findings, fmt.Sprintf("of those eligible on %s it held for %.1f %%, version %s would have foretold %.1f %%%s",
			c.OutcomesCutoff, 100*total.positives/total.cids, c.Version, 100*total.foretold/total.cids, advice))
	}
	if trainedOn(a, c.OutcomesCutoff) {
		findings = append(findings, fmt.Sprintf("the model was trained on a part of what came after %s, so the outcomes flatter it", c.OutcomesCutoff))
	}
	return findings
}

// total is of all tenths together.
type total struct{ cids, positives, foretold, variance float64 }

func totalOf(tenths []*whowhenv1.Outcome) (t total) {
	for _, o := range tenths {
		n := float64(o.Cids)
		t.cids, t.positives, t.foretold = t.cids+n, t.positives+float64(o.Positives), t.foretold+n*o.Probability
		t.variance += n * o.Probability * (1 - o.Probability)
	}
	return t
}

func (t total) off() bool { return metrics.Off(t.foretold, t.positives, t.variance) }

// coveredDays is how many days of history the oldest cut-off trained on had.
func coveredDays(a *models.Artifact) int {
	first, err := propensity.ParseDay(a.Training.FirstDay)
	if err != nil || len(a.Training.Cutoffs) == 0 {
		return 0
	}
	oldest, err := propensity.ParseDay(slices.Min(a.Training.Cutoffs))
	if err != nil {
		return 0
	}
	return int(oldest - first)
}

// judgedAt says whether the training of a model judged it by what came after a day or a later one, so that training again finds nothing else.
func judgedAt(a *models.Artifact, day string) bool {
	at, err := propensity.ParseDay(day)
	return err == nil && slices.ContainsFunc(a.Training.TestCutoffs, func(cutoff string) bool {
		judged, err := propensity.ParseDay(cutoff)
		return err == nil && judged >= at
	})
}

// trainedOn says whether the horizon of a cut-off that a model was trained on reaches beyond a day.
func trainedOn(a *models.Artifact, day string) bool {
	at, err := propensity.ParseDay(day)
	return err == nil && slices.ContainsFunc(a.Training.Cutoffs, func(cutoff string) bool {
		trained, err := propensity.ParseDay(cutoff)
		return err == nil && int(trained)+a.Training.HorizonDays > int(at)
	})
}
