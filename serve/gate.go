package serve

import (
	"fmt"
	"slices"
	"strings"

	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/models/metrics"
)

// gainFigure is the figure of a baseline that says by how much the model's log loss is less, by rows in pairs.
const gainFigure = "log_loss_gain"

// whyNotActivate returns why a version should not be made active, or "": it must surely be better than each baseline that knows less, by
// the 95 % interval, and not surely worse than the model that was active when it was trained.
func whyNotActivate(a *models.Artifact) string {
	var reasons []string
	compared := false
	for name, figures := range a.Baselines {
		gain, told := figures[gainFigure]
		switch {
		case !told:
			continue
		case name == "active" && gain.High < 0:
			reasons = append(reasons, fmt.Sprintf("it is surely worse than the model that was active when it was trained (log loss higher by %s)", metrics.FormatDifferences(-gain.Value)[0]))
		case name != "active" && gain.Low <= 0:
			by := metrics.FormatDifferences(gain.Value, gain.Low, gain.High)
			reasons = append(reasons, fmt.Sprintf("it is not surely better than %s (log loss less by %s, 95 %%: %s to %s)", strings.ReplaceAll(name, "_", " "), by[0], by[1], by[2]))
		}
		compared = compared || name != "active"
	}
	if !compared {
		reasons = append(reasons, "it was compared with no baseline")
	}
	slices.Sort(reasons)
	return strings.Join(reasons, "; ")
}
