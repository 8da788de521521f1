package sendtime

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// fitBase learns the coefficients of the columns, which are the same for all hours. What is learnt, and held small by the penalty, is how they
// differ from the rule of an untrained model: where there are too few histories to learn from, the rule stays.
func (m *Model) fitBase(ctx context.Context, name string, head *Head, samples []Sample, o Options) error {
	const enough = 50_000 // samples of 24 rows each, for coefficients that are few
	samples = everySoMany(samples, enough)
	seen := newMoments(columns)
	var x matrix
	for i := range samples {
		m.fill(&samples[i].History, &samples[i].Question, &x)
		for h := range x {
			seen.add(x[h][:])
		}
	}
	data := &baseRows{model: m, rule: rule(), samples: samples, standard: seen.standard()}
	beta := make([]float64, data.terms())
	r := regression{rows: data, penalty: ridge(data.terms(), o.BasePenalty)}
	if err := r.minimise(ctx, name, beta); err != nil {
		return err
	}
	head.Base = data.standard.plain(beta)
	for i, v := range data.rule.Base {
		head.Base[i] += v
	}
	return nil
}

// everySoMany returns all samples, or of more than so many one of every few.
func everySoMany(samples []Sample, most int) []Sample {
	stride := (len(samples) + most - 1) / most
	if stride <= 1 {
		return samples
	}
	var some []Sample
	for i := 0; i < len(samples); i += stride {
		some = append(some, samples[i])
	}
	return some
}

// ridge penalises all but the intercept.
func ridge(terms int, weight float64) *mat.SymDense {
	penalty := mat.NewSymDense(terms, nil)
	for i := 1; i < terms; i++ {
		penalty.SetSym(i, i, weight)
	}
	return penalty
}

// baseRows are the hours of samples. Columns are made anew each time, as they would take more memory than all else.
type baseRows struct {
	model    *Model
	rule     Head
	samples  []Sample
	standard standard
}

func (b *baseRows) terms() int { return columns + 1 }

func (b *baseRows) each(part int, yield func(tile)) {
	const tileSamples = 16
	terms := b.terms()
	all := tile{make([]float64, tileSamples*Hours*terms), make([]float64, tileSamples*Hours), make([]bool, tileSamples*Hours)}
	var x matrix
	from, to := share(len(b.samples), part)
	for ; from < to; from += tileSamples {
		n := min(tileSamples, to-from)
		for k := range n {
			s := &b.samples[from+k]
			b.model.fill(&s.History, &s.Question, &x)
			for h := range Hours {
				b.standard.apply(x[h][:], all.x[(k*Hours+h)*terms:][:terms])
				all.offset[k*Hours+h] = b.rule.base(&x[h])
				all.label[k*Hours+h] = s.Hours>>h&1 != 0
			}
		}
		yield(tile{all.x[:n*Hours*terms], all.offset[:n*Hours], all.label[:n*Hours]})
	}
}
