package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
)

// CalibrationError is the expected calibration error over ten bins of equal weight: the mean over the rows of
// |mean probability - share of positives| of their bin (C. Guo et al., ICML 2017, with equal mass). Equal
// probabilities share a bin. The figure is above 0 even for true probabilities, by chance alone; the interval is
// of 1,000 draws of the bins' errors from their clustered covariance, by the seed, and always holds the value.
func CalibrationError(r Rows, seed uint64) (Estimate, error) {
	t, err := r.check()
	if err != nil {
		return Estimate{}, err
	}
	bin := r.tenths(t)
	gap := make([]float64, 10) // share of all rows x (mean probability - rate)
	for i, p := range r.Probability {
		gap[bin[i]] += r.weight(i) / t.all * (p - outcome(r.Label[i]))
	}
	value := sumAbs(gap)
	root := cholesky(r.gapCovariance(t, bin, gap))
	random := rand.New(rand.NewPCG(seed, 0x636c6962))
	draws := make([]float64, 1000)
	noise, drawn := make([]float64, 10), make([]float64, 10)
	mean, square := 0.0, 0.0
	for d := range draws {
		for k := range noise {
			noise[k] = random.NormFloat64()
		}
		for k := range drawn {
			drawn[k] = gap[k]
			for j := 0; j <= k; j++ {
				drawn[k] += root[k][j] * noise[j]
			}
		}
		draws[d] = sumAbs(drawn)
		mean += draws[d] / float64(len(draws))
		square += draws[d] * draws[d] / float64(len(draws))
	}
	slices.Sort(draws)
	return Estimate{
		Value:         value,
		StandardError: math.Sqrt(max(0, square-mean*mean)),
		Low:           min(value, draws[25]),
		High:          min(1, max(value, draws[974])),
	}, nil
}

func outcome(label bool) float64 {
	if label {
		return 1
	}
	return 0
}

// tenths is the bin of each row: the tenth in which the middle of its ties lies.
func (r Rows) tenths(t totals) []int8 {
	order := r.byProbability()
	bin := make([]int8, len(order))
	before := 0.0
	for low := 0; low < len(order); {
		high, p, n := r.tie(order, low)
		k := int8(min(9, 10*(before+(p+n)/2)/t.all))
		for _, i := range order[low:high] {
			bin[i] = k
		}
		before += p + n
		low = high
	}
	return bin
}

// gapCovariance is the clustered covariance of the bins' gaps.
func (r Rows) gapCovariance(t totals, bin []int8, gap []float64) [][]float64 {
	sums := map[uint32]*[10]float64{}
	single := [10]float64{}
	covariance := make([][]float64, 10)
	for k := range covariance {
		covariance[k] = make([]float64, 10)
	}
	add := func(v *[10]float64) {
		for k := range covariance {
			for j := 0; j <= k; j++ {
				covariance[k][j] += v[k] * v[j]
			}
		}
	}
	n := float64(len(r.Probability))
	for i, p := range r.Probability {
		v := r.weight(i) / t.all * (p - outcome(r.Label[i]))
		if r.Group == nil {
			single = [10]float64{}
			single[bin[i]] = v
			for k, g := range gap {
				single[k] -= g / n
			}
			add(&single)
			continue
		}
		s := sums[r.Group[i]]
		if s == nil {
			s = new([10]float64)
			sums[r.Group[i]] = s
		}
		s[bin[i]] += v
	}
	if r.Group != nil {
		n = float64(len(sums))
		// The order of a map is not the same twice, and sums of floats depend on it.
		groups := make([]uint32, 0, len(sums))
		for g := range sums {
			groups = append(groups, g)
		}
		slices.Sort(groups)
		for _, g := range groups {
			for k := range gap {
				sums[g][k] -= gap[k] / n
			}
			add(sums[g])
		}
	}
	return covariance
}

// cholesky is the lower root of a positive semidefinite matrix given by its lower half; a column without any
// variance left stays zero.
func cholesky(a [][]float64) [][]float64 {
	n := len(a)
	for j := range n {
		for k := range j {
			a[j][j] -= a[j][k] * a[j][k]
		}
		if !(a[j][j] > 1e-30) {
			for i := j; i < n; i++ {
				a[i][j] = 0
			}
			continue
		}
		a[j][j] = math.Sqrt(a[j][j])
		for i := j + 1; i < n; i++ {
			for k := range j {
				a[i][j] -= a[i][k] * a[j][k]
			}
			a[i][j] /= a[j][j]
		}
	}
	return a
}

func sumAbs(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Abs(v)
	}
	return sum
}

// wilson is the 95 % interval of a rate seen in n rows.
func wilson(rate, n float64) (low, high float64) {
	z2 := z95 * z95
	middle := (rate + z2/(2*n)) / (1 + z2/n)
	half := z95 / (1 + z2/n) * math.Sqrt(rate*(1-rate)/n+z2/(4*n*n))
	return max(0, min(rate, middle-half)), min(1, max(rate, middle+half))
}
