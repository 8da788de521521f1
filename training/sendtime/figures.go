package sendtime

import (
	"math"

	model "whowhen.dev/whowhen/models/sendtime"
)

// Figures say how well hours were ranked and told.
type Figures struct {
	Days    int     `json:"days"`
	CIDs    int     `json:"cids"`
	HitAt1  float64 `json:"hit_at_1"` // share of the days on which the first hour held activity
	HitAt3  float64 `json:"hit_at_3"` // one of the first three
	LogLoss float64 `json:"log_loss"` // mean over the 24 hours
}

// Interval is from low to high, 95 %, clustered by CID.
type Interval [2]float64

// Intervals are those of Figures.
type Intervals struct {
	HitAt1  Interval `json:"hit_at_1"`
	HitAt3  Interval `json:"hit_at_3"`
	LogLoss Interval `json:"log_loss"`
}

// outcome of one prediction: hit at 1, hit at 3, log loss.
type outcome [3]float64

// judge returns the outcome of a prediction, and the rank from 0 on of the best-ranked hour that held activity. Of equal probabilities the earlier hour is first.
func judge(p *[model.Hours]float64, hours uint32) (o outcome, rank int) {
	rank = model.Hours
	loss := 0.0
	for h := range model.Hours {
		active := hours>>h&1 != 0
		loss += lossOf(p[h], active)
		if !active {
			continue
		}
		before := 0
		for k := range model.Hours {
			if p[k] > p[h] || p[k] == p[h] && k < h {
				before++
			}
		}
		rank = min(rank, before)
	}
	if rank < 1 {
		o[0] = 1
	}
	if rank < 3 {
		o[1] = 1
	}
	o[2] = loss / model.Hours
	return o, rank
}

// lossOf is the log loss of one probability.
func lossOf(p float64, did bool) float64 {
	p = min(max(p, leastProbability), 1-leastProbability)
	if did {
		return -math.Log(p)
	}
	return -math.Log1p(-p)
}

// leastProbability bounds the probabilities that log loss is taken of, at both ends.
const leastProbability = 1e-4

// personSum adds up the outcomes of one CID.
type personSum struct {
	n   float64
	sum outcome
}

func (s *personSum) add(o outcome) {
	s.n++
	for i, v := range o {
		s.sum[i] += v
	}
}

// tally adds up CIDs. The variance of a mean over days is that of the sums over each CID's days about it, so that a CID counts as one
// observation however many days it has (K.-Y. Liang and S. Zeger, Longitudinal data analysis using generalized linear models, Biometrika 1986).
type tally struct {
	cids, days, daysSquared float64
	sum, squared, cross     outcome // of the sums; cross with the days
	means                   outcome // sum of the CIDs' means
}

func (t *tally) take(s *personSum) {
	if s.n == 0 {
		return
	}
	t.cids++
	t.days += s.n
	t.daysSquared += s.n * s.n
	for i, v := range s.sum {
		t.sum[i] += v
		t.squared[i] += v * v
		t.cross[i] += v * s.n
		t.means[i] += v / s.n
	}
}

func (t *tally) mean(i int) float64 {
	if t.days == 0 {
		return 0
	}
	return t.sum[i] / t.days
}

// figures are the means over days.
func (t *tally) figures() Figures {
	return Figures{int(t.days), int(t.cids), t.mean(0), t.mean(1), t.mean(2)}
}

// equal are the means over CIDs, each weighing the same.
func (t *tally) equal() Figures {
	f := Figures{Days: int(t.days), CIDs: int(t.cids)}
	if t.cids > 0 {
		f.HitAt1, f.HitAt3, f.LogLoss = t.means[0]/t.cids, t.means[1]/t.cids, t.means[2]/t.cids
	}
	return f
}

func (t *tally) intervals() Intervals {
	return Intervals{t.interval(0), t.interval(1), t.interval(2)}
}

func (t *tally) interval(i int) Interval {
	const z95 = 1.959963984540054
	m := t.mean(i)
	if t.cids < 2 {
		return Interval{m, m}
	}
	variance := max(0, t.squared[i]-2*m*t.cross[i]+m*m*t.daysSquared) * t.cids / (t.cids - 1) / (t.days * t.days)
	half := z95 * math.Sqrt(variance)
	return Interval{m - half, m + half}
}
