package logistic

// Problem is what is minimised:
//
//	sum over rows of w loss(label, x beta) / W + Penalty/(2 W) x (sum over all but the intercept of Factor beta^2)
//
// with W the sum of the weights. Without factors it has the minimum of scikit-learn's LogisticRegression with C = 1/Penalty.
type Problem struct {
	Design *Design
	Label  []bool
	// Weight nil means one each.
	Weight  []float32
	Penalty float64
	// Factor is how many times the penalty each coefficient has, the intercept's, which has none, among them; nil means once each.
	Factor  []float64
	Workers int
	// MaxIterations bounds the iterations of Minimise.
	MaxIterations int
	// Slope ends a search: the largest slope left along the turned axes. 0 means as small as tells for certain.
	Slope float64
	// Exact asks Minimise to end with Newton steps on all rows, which make coefficients exact to rounding.
	Exact bool
}

func (p *Problem) weight(row int) float64 {
	if p.Weight == nil {
		return 1
	}
	return float64(p.Weight[row])
}

// penalty is that of one coefficient.
func (p *Problem) penalty(term int) float64 {
	if p.Factor == nil {
		return p.Penalty
	}
	return p.Penalty * p.Factor[term]
}

// Total is the sum of the weights.
func (p *Problem) Total() float64 {
	if p.Weight == nil {
		return float64(p.Design.Rows)
	}
	total := 0.0
	for _, w := range p.Weight {
		total += float64(w)
	}
	return total
}

// objective evaluates a problem. It belongs to one goroutine.
type objective struct {
	*Problem
	total     float64
	losses    []float64
	gradients []float64 // of each chunk
}

func newObjective(p *Problem) *objective {
	chunks := p.Design.chunks()
	return &objective{Problem: p, total: p.Total(), losses: make([]float64, chunks), gradients: make([]float64, chunks*p.Design.Terms())}
}

// at writes the gradient and returns the value of the objective, and of its first part alone.
func (o *objective) at(beta, gradient []float64) (value, meanLoss float64) {
	d, terms := o.Design, o.Design.Terms()
	d.inChunks(o.Workers, func(chunk, low, high int) {
		g := o.gradients[chunk*terms : (chunk+1)*terms]
		clear(g)
		loss, row := 0.0, low
		for ; row+4 <= high; row += 4 {
			r := d.four(row, beta)
			for k := range r {
				l, probability := lossAndProbability(r[k], o.Label[row+k])
				w := o.weight(row + k)
				loss += w * l
				r[k] = w * (probability - outcome(o.Label[row+k]))
			}
			d.spread(row, r, g)
		}
		for ; row < high; row++ {
			l, probability := lossAndProbability(d.one(row, beta), o.Label[row])
			w := o.weight(row)
			loss += w * l
			d.spreadOne(row, w*(probability-outcome(o.Label[row])), g)
		}
		o.losses[chunk] = loss
	})
	clear(gradient)
	for chunk, loss := range o.losses {
		meanLoss += loss
		for j, g := range o.gradients[chunk*terms : (chunk+1)*terms] {
			gradient[j] += g
		}
	}
	meanLoss /= o.total
	value = meanLoss
	for j := range gradient {
		gradient[j] /= o.total
		if j > 0 {
			ridge := o.penalty(j) / o.total
			gradient[j] += ridge * beta[j]
			value += ridge * beta[j] * beta[j] / 2
		}
	}
	return value, meanLoss
}

func outcome(label bool) float64 {
	if label {
		return 1
	}
	return 0
}
