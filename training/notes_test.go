package training

import (
	"testing"

	"whowhen.dev/whowhen/models"
)

// TestChoiceNote holds that the note says what was chosen, and of what only that.
func TestChoiceNote(t *testing.T) {
	penalties := []models.Trial{{Shape: models.ShapeSpline, Penalty: 1}, {Shape: models.ShapeSpline, Penalty: 3}}
	shapes := []models.Trial{{Shape: models.ShapeLog, Penalty: 1}, {Shape: models.ShapeSpline, Penalty: 1}}
	products := []models.ProductTrial{{A: "a", B: "b"}}
	for _, test := range []struct {
		name string
		r    models.Result
		want string
	}{
		{"penalty", models.Result{Trials: penalties, Folds: models.Folds{Kind: models.FoldsByTime, Count: 3}},
			"the penalty was chosen on 3 folds by time: each trained on earlier cut-offs and tested on the next"},
		{"one fold", models.Result{Trials: penalties, Products: products, Folds: models.Folds{Kind: models.FoldsByTime, Count: 1}},
			"the penalty and products of columns were chosen on 1 fold by time: trained on earlier cut-offs and tested on the newest"},
		{"all", models.Result{Trials: append(shapes, penalties...), Products: products, Folds: models.Folds{Kind: models.FoldsByGroup, Count: 5}},
			"the penalty, the shape of columns and products of columns were chosen on 5 folds by CID, since there are too few cut-offs for folds by time"},
		{"shape", models.Result{Trials: shapes, Folds: models.Folds{Kind: models.FoldsByTime, Count: 2}},
			"the shape of columns was chosen on 2 folds by time: each trained on earlier cut-offs and tested on the next"},
		{"products", models.Result{Products: products, Folds: models.Folds{Kind: models.FoldsByTime, Count: 2}},
			"products of columns were chosen on 2 folds by time: each trained on earlier cut-offs and tested on the next"},
		{"nothing", models.Result{Trials: penalties[:1], Folds: models.Folds{Kind: models.FoldsByTime, Count: 2}}, ""},
		{"no folds", models.Result{Trials: penalties, Folds: models.Folds{Kind: models.FoldsNone}}, ""},
	} {
		if got := choiceNote(&test.r); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
