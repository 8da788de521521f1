package scoring

import (
	"cmp"
	"context"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// Scored is what a model says of a CID.
type Scored struct {
	// Known says that the app had heard of the CID by the view's moment, and Eligible that the model speaks of it.
	Known, Eligible bool
	// Probability is that of the code that the score is kept as; 0 for who is not known.
	Probability float64
	// Moved are the columns that moved the score most, the furthest first.
	Moved []Moved
}

// Moved is how far a column moved a score.
type Moved struct {
	Column  string
	Number  float32 // NaN when it is missing, or a text
	Text    string  // of a column with levels
	LogOdds float64 // from the average training row
}

// Some scores CIDs, with at most so many reasons each. Who is known and not eligible gets a score too.
func (m *Model) Some(ctx context.Context, v *segments.View, cids []string, moved int) ([]Scored, error) {
	scores := make([]Scored, len(cids))
	known, err := v.Contains(ctx, expr.Everyone{}, cids)
	if err != nil {
		return nil, err
	}
	eligible, err := v.Contains(ctx, m.eligible, cids)
	if err != nil {
		return nil, err
	}
	type place struct {
		ordinal uint32
		row     int
	}
	var places []place
	for row, ordinal := range v.Ordinals(cids) {
		scores[row].Known, scores[row].Eligible = known[row], eligible[row]
		if known[row] {
			places = append(places, place{ordinal, row})
		}
	}
	if len(places) == 0 {
		return scores, nil
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.ordinal, b.ordinal) })
	source, err := m.memory.NewSource(ctx, v, m.columns, m.levels)
	if err != nil {
		return nil, err
	}
	extractor, err := source.Extractor(ctx)
	if err != nil {
		return nil, err
	}
	defer extractor.Close()
	values := make([]float32, len(m.columns))
	for from, to := 0, 0; from < len(places); from = to {
		block := int(places[from].ordinal / segments.BlockCIDs)
		var who segments.Words
		for to = from; to < len(places) && int(places[to].ordinal/segments.BlockCIDs) == block; to++ {
			who.Set(uint16(places[to].ordinal % segments.BlockCIDs))
		}
		ordinals, columns, err := extractor.Extract(block, &who)
		if err != nil {
			return nil, err
		}
		logOdds := make([]float32, len(ordinals))
		if err := m.artifact.Model.LogOdds(columns, logOdds); err != nil {
			return nil, err
		}
		at := 0
		for _, p := range places[from:to] {
			for ordinals[at] != uint16(p.ordinal%segments.BlockCIDs) {
				at++
			}
			for c := range columns {
				values[c] = columns[c][at]
			}
			s := &scores[p.row]
			code, _ := segments.ScoreCode(float64(logOdds[at]))
			s.Probability = segments.ScoreProbability(code)
			if s.Moved, err = m.explain(values, moved); err != nil {
				return nil, err
			}
		}
	}
	return scores, nil
}

// explain names the columns that moved a row most.
func (m *Model) explain(values []float32, most int) ([]Moved, error) {
	if most <= 0 {
		return nil, nil
	}
	all, err := m.artifact.Model.Explain(values)
	if err != nil {
		return nil, err
	}
	var named []Moved
	for _, e := range all[:min(most, len(all))] {
		if e.LogOdds == 0 {
			break // the others moved nothing either
		}
		c, value := m.artifact.Model.Columns()[e.Column], values[e.Column]
		n := Moved{Column: c.Name, Number: value, LogOdds: e.LogOdds}
		if c.Levels != nil {
			n.Number = float32(math.NaN())
			switch {
			case value != value:
			case int(value) < len(c.Levels):
				n.Text = c.Levels[int(value)]
			default:
				n.Text = "(another)"
			}
		}
		named = append(named, n)
	}
	return named, nil
}
