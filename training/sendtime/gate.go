package sendtime

import "fmt"

// Gate says whether a model should be used.
type Gate struct {
	Passed  bool     `json:"passed"`
	Reasons []string `json:"reasons"`
}

// gate lets a model pass that has surely less log loss than the curves of everyone and of the zone, and not surely more than the CID's own
// histogram, which is what there is without it.
func gate(r *Report) Gate {
	g := Gate{Passed: true}
	for _, b := range r.Baselines {
		if b.Name == methodNames()[ownHour] {
			continue
		}
		// Less loss is better.
		low, high := -b.Difference.Intervals.LogLoss[1], -b.Difference.Intervals.LogLoss[0]
		verdict := "better than"
		switch {
		case high < 0:
			verdict, g.Passed = "worse than", false
		case low <= 0:
			verdict = "not surely better than"
			g.Passed = g.Passed && b.Name == methodNames()[ownSmoothed]
		}
		g.Reasons = append(g.Reasons, fmt.Sprintf("%s %s, by %.5f in log loss (95 %%: %.5f to %.5f)", verdict, MethodWords(b.Name), -b.Difference.LogLoss, low, high))
	}
	return g
}

// MethodWords says in words what the name of a Baseline stands for.
func MethodWords(name string) string {
	switch name {
	case methodNames()[everyoneCurve]:
		return "everyone's curve"
	case methodNames()[zoneCurve]:
		return "the zone's curve"
	case methodNames()[ownHour]:
		return "the CID's own most frequent hour"
	case methodNames()[ownSmoothed]:
		return "the CID's own histogram, smoothed and shrunk"
	}
	return "the model"
}
