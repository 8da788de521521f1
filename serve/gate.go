package serve

import (
	"fmt"
	"slices"
	"strings"

	"whowhen.dev/whowhen/models"
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
			reasons = append(reasons, fmt.Sprintf("it is surely worse than the model that was active when it was trained (log loss higher by %.4f)", -gain.Value))
		case name != "active" && gain.Low <= 0:
			reasons = append(reasons, fmt.Sprintf("it is not surely better than %s (log loss less by %.4f, 95 %%: %.4f to %.4f)", strings.ReplaceAll(name, "_", " "), gain.Value, gain.Low, gain.High))
		}
		compared = compared || name != "active"
	}
	if !compared {
		reasons = append(reasons, "it was compared with no baseline")
	}
	slices.Sort(reasons)
	return strings.Join(reasons, "; ")
}
