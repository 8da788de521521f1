package report

import "fmt"

// others are the rows of the comparison of the model with plainer predictions of the same rows.
func others(r *Report) []other {
	rows := []other{{Name: "this model", F: means(r.Figures), Class: "us"}}
	for _, plainer := range []struct{ key, words string }{{"recency", "recency only"}, {"base_rate", "base rate of training"}, {"active", "the active model"}} {
		b, there := r.Baselines[plainer.key]
		if !there {
			continue
		}
		by := signed(b.Better, b.BetterInterval[0], b.BetterInterval[1])
		rows = append(rows, other{Name: plainer.words, F: means(b.Figures), Better: fmt.Sprintf("%s (%s to %s)", by[0], by[1], by[2])})
	}
	if r.WithoutReceipts != nil {
		rows = append(rows, other{Name: "this model without columns of receipts", F: *r.WithoutReceipts})
	}
	if r.TestCutoffs > 1 {
		rows = append(rows, other{Name: fmt.Sprintf("this model, mean of %d test cut-offs", r.TestCutoffs), F: r.Mean})
	}
	var losses, briers []float64
	for _, o := range rows {
		losses, briers = append(losses, o.F.LogLoss), append(briers, o.F.Brier)
	}
	lossTexts, brierTexts := Apart(4, losses...), Apart(4, briers...)
	for i := range rows {
		rows[i].LogLoss, rows[i].Brier = lossTexts[i], brierTexts[i]
	}
	return rows
}

func means(f Figures) Means {
	return Means{AUC: f.AUC, LogLoss: f.LogLoss, Brier: f.Brier, CalibrationError: f.CalibrationError, LiftAt10: f.LiftAt10}
}

// logLosses are those of the cut-offs, "" for one that has none.
func logLosses(cutoffs []Cutoff) []string {
	var losses []float64
	for _, c := range cutoffs {
		if c.Figures != nil {
			losses = append(losses, c.Figures.LogLoss)
		}
	}
	written := Apart(4, losses...)
	texts := make([]string, len(cutoffs))
	for i, c := range cutoffs {
		if c.Figures != nil {
			texts[i], written = written[0], written[1:]
		}
	}
	return texts
}
