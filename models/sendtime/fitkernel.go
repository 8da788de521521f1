package sendtime

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// fitKernel learns, for each hour, what the hours of the histories add to the base.
func (m *Model) fitKernel(ctx context.Context, name string, head *Head, samples []Sample, o Options) error {
	data := &kernelRows{x: make([]float32, len(samples)*kernelInputs), offset: make([]float32, len(samples)*Hours), samples: samples}
	seen := newMoments(kernelInputs)
	var y [kernelInputs]float64
	var x matrix
	for i := range samples {
		s := &samples[i]
		s.History.kernelInputs(s.Question.Day, &y)
		seen.add(y[:])
		m.fill(&s.History, &s.Question, &x)
		for h := range Hours {
			data.offset[i*Hours+h] = float32(head.base(&x[h]))
		}
	}
	standard := seen.standard()
	var row [kernelInputs + 1]float64
	for i := range samples {
		samples[i].History.kernelInputs(samples[i].Question.Day, &y)
		standard.apply(y[:], row[:])
		for j, v := range row[1:] {
			data.x[i*kernelInputs+j] = float32(v)
		}
	}
	penalty := kernelPenalty(float64(len(samples)), o)
	head.Kernel = make([][]float64, Hours)
	for h := range Hours {
		data.hour = h
		beta := make([]float64, data.terms())
		r := regression{rows: data, penalty: penalty}
		if err := r.minimise(ctx, fmt.Sprintf("%s, hour %d", name, h), beta); err != nil {
			return err
		}
		head.Kernel[h] = standard.plain(beta)
	}
	return nil
}

// kernelPenalty holds coefficients small, and those of neighbouring hours, around the clock, close to each other; with few samples so much that
// the kernel says next to nothing.
func kernelPenalty(samples float64, o Options) *mat.SymDense {
	const few = 20_000 // samples for 24 x 96 coefficients
	samples += few
	penalty := ridge(kernelInputs+1, o.KernelPenalty*samples)
	smooth := o.KernelSmooth * samples
	for first := 1; first <= kernelInputs; first += Hours {
		for h := range Hours {
			i, j := first+h, first+(h+1)%Hours
			penalty.SetSym(i, i, penalty.At(i, i)+smooth)
			penalty.SetSym(j, j, penalty.At(j, j)+smooth)
			penalty.SetSym(i, j, penalty.At(i, j)-smooth)
		}
	}
	return penalty
}

// kernelRows are the samples for one hour.
type kernelRows struct {
	x       []float32 // standardised inputs
	offset  []float32 // Hours for each sample: what the base says
	samples []Sample
	hour    int
}

func (k *kernelRows) terms() int { return kernelInputs + 1 }

func (k *kernelRows) each(part int, yield func(tile)) {
	const tileRows = 256
	terms := k.terms()
	all := tile{make([]float64, tileRows*terms), make([]float64, tileRows), make([]bool, tileRows)}
	from, to := share(len(k.samples), part)
	for ; from < to; from += tileRows {
		n := min(tileRows, to-from)
		for i := range n {
			row := all.x[i*terms : (i+1)*terms]
			row[0] = 1
			for j, v := range k.x[(from+i)*kernelInputs : (from+i+1)*kernelInputs] {
				row[j+1] = float64(v)
			}
			all.offset[i] = float64(k.offset[(from+i)*Hours+k.hour])
			all.label[i] = k.samples[from+i].Hours>>k.hour&1 != 0
		}
		yield(tile{all.x[:n*terms], all.offset[:n], all.label[:n]})
	}
}
