package serve

import (
	"testing"

	"whowhen.dev/whowhen/models"
)

func TestGateSaysByHowMuch(t *testing.T) {
	of := func(name string, value, low, high float64) *models.Artifact {
		return &models.Artifact{Baselines: map[string]map[string]models.Figure{"base_rate": {gainFigure: {Value: 1, Low: 1, High: 1}}, name: {gainFigure: {Value: value, Low: low, High: high}}}}
	}
	for _, test := range []struct {
		of   *models.Artifact
		want string
	}{
		{of("recency_alone", 0.02, 0.01, 0.03), ""},
		{of("recency_alone", -0.00002, -0.0001, 0.0001), "it is not surely better than recency alone (log loss less by -0.00002, 95 %: -0.00010 to 0.00010)"},
		{of("recency_alone", 0.02, -0.01, 0.03), "it is not surely better than recency alone (log loss less by 0.0200, 95 %: -0.0100 to 0.0300)"},
		{of("active", -0.00002, -0.00003, -0.00001), "it is surely worse than the model that was active when it was trained (log loss higher by 0.00002)"},
		{of("active", -0.00002, -0.00003, 0.00001), ""},
	} {
		if got := whyNotActivate(test.of); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
