package sendtime

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// MessageSample is a message that came, and what came of it.
type MessageSample struct {
	History  History  // as it was known before the local day of the message
	Question Question // about that day
	Hour     int      // local, in which it came
	Answered bool
}

// Of fewer messages, or fewer of either outcome, no click model is learnt.
const (
	leastMessages = 500
	leastAnswers  = 100
)

// FitClick learns the click model from messages that came and what came of them. Without 500 of them, 100 answered and 100 not, there is none. Its errors are
// *NotConvergedError, that of the context, and one for a message in an hour that is none; with any of them the model is as it was, and answers go by habit.
func (m *Model) FitClick(ctx context.Context, samples []MessageSample, o Options) error {
	answered := 0
	for i := range samples {
		if samples[i].Hour < 0 || samples[i].Hour >= Hours {
			return fmt.Errorf("sendtime: message %d came in the hour %d, which is none", i, samples[i].Hour)
		}
		if samples[i].Answered {
			answered++
		}
	}
	if len(samples) < leastMessages || min(answered, len(samples)-answered) < leastAnswers {
		return nil
	}
	c := &Click{Mean: float64(answered) / float64(len(samples))}
	data := &clickRows{samples: samples, x: make([]float32, len(samples)*clickColumns), offset: make([]float64, len(samples))}
	seen := newMoments(clickColumns)
	var row [clickColumns]float64
	engaged := 0.0
	for i := range samples {
		s := &samples[i]
		data.offset[i] = m.messageRow(c, s, &row)
		engaged += data.offset[i]
		seen.add(row[:])
		for j, v := range row {
			data.x[i*clickColumns+j] = float32(v)
		}
	}
	c.Share = min(max(float64(answered)/engaged, 1e-6), 1e6)
	for i := range data.offset {
		data.offset[i] = c.rule(data.offset[i])
	}
	data.standard = seen.standard()
	beta := make([]float64, data.terms())
	r := regression{rows: data, penalty: clickPenalty(data.terms(), o)}
	if err := r.minimise(ctx, "the model of answers", beta); err != nil {
		return err
	}
	c.Base = data.standard.plain(beta[:clickColumns+1])
	copy(c.Hour[:], beta[clickColumns+1:])
	copy(c.Weekend[:], beta[clickColumns+1+Hours:])
	m.Click = c
	return nil
}

// messageRow writes the columns of a message and returns its engagement by habit.
func (m *Model) messageRow(c *Click, s *MessageSample, to *[clickColumns]float64) (byHabit float64) {
	var a Answer
	var x matrix
	var out [Hours]float64
	var v message
	m.Predict(&s.History, &s.Question, &a)
	m.fill(&s.History, &s.Question, &x)
	m.habit(&a, &out)
	v.fill(c, &s.History, &s.Question, &a)
	v.row(s.Hour, out[s.Hour], (*[clickBase]float64)(to[:clickBase]))
	copy(to[clickBase:], x[s.Hour][:])
	return out[s.Hour]
}

// clickPenalty holds the coefficients of the columns small, and the curves of the hours, each hour being about one message in 24, small and smooth.
func clickPenalty(terms int, o Options) *mat.SymDense {
	penalty := ridge(terms, o.ClickPenalty)
	for i := clickBase; i < clickColumns; i++ {
		penalty.SetSym(1+i, 1+i, o.ClickBasePenalty)
	}
	for _, first := range []int{clickColumns + 1, clickColumns + 1 + Hours} {
		for h := range Hours {
			penalty.SetSym(first+h, first+h, o.ClickPenalty/Hours)
		}
		for h := range Hours {
			i, j := first+h, first+(h+1)%Hours
			penalty.SetSym(i, i, penalty.At(i, i)+o.ClickSmooth)
			penalty.SetSym(j, j, penalty.At(j, j)+o.ClickSmooth)
			penalty.SetSym(i, j, penalty.At(i, j)-o.ClickSmooth)
		}
	}
	return penalty
}

// clickRows are messages: the constant, the columns, and which hour it is, on all days and at the weekend. Hours are taken as they are, so
// that one without any message has a coefficient, too.
type clickRows struct {
	samples  []MessageSample
	x        []float32
	offset   []float64
	standard standard
}

func (c *clickRows) terms() int { return 1 + clickColumns + 2*Hours }

func (c *clickRows) each(part int, yield func(tile)) {
	const tileRows = 256
	terms := c.terms()
	all := tile{make([]float64, tileRows*terms), make([]float64, tileRows), make([]bool, tileRows)}
	var row [clickColumns]float64
	from, to := share(len(c.samples), part)
	for ; from < to; from += tileRows {
		n := min(tileRows, to-from)
		clear(all.x)
		for i := range n {
			s := &c.samples[from+i]
			for j, v := range c.x[(from+i)*clickColumns : (from+i+1)*clickColumns] {
				row[j] = float64(v)
			}
			into := all.x[i*terms : (i+1)*terms]
			c.standard.apply(row[:], into)
			into[1+clickColumns+s.Hour] = 1
			if s.Question.Weekend {
				into[1+clickColumns+Hours+s.Hour] = 1
			}
			all.offset[i], all.label[i] = c.offset[from+i], s.Answered
		}
		yield(tile{all.x[:n*terms], all.offset[:n], all.label[:n]})
	}
}

// Line tells an answer by habit alone: Intercept + Slope log-odds of engagement by habit, as log-odds.
type Line struct{ Intercept, Slope float64 }

// FitLine learns the line by messages; it is what a click model has to beat. It needs an answer and a message without one.
// The only errors are *NotConvergedError and that of the context.
func (m *Model) FitLine(ctx context.Context, samples []MessageSample) (Line, error) {
	data := &lineRows{x: make([]float64, 2*len(samples)), offset: make([]float64, len(samples)), label: make([]bool, len(samples))}
	var a Answer
	var out [Hours]float64
	for i := range samples {
		s := &samples[i]
		m.Predict(&s.History, &s.Question, &a)
		m.habit(&a, &out)
		data.x[2*i], data.x[2*i+1], data.label[i] = 1, logOdds(out[s.Hour]), s.Answered
	}
	beta := []float64{0, 1}
	r := regression{rows: data, penalty: mat.NewSymDense(2, nil)}
	if err := r.minimise(ctx, "the line from habit to answers", beta); err != nil {
		return Line{}, err
	}
	return Line{beta[0], beta[1]}, nil
}

// Probability returns how likely a message is answered by engagement by habit.
func (l Line) Probability(byHabit float64) float64 {
	return probability(l.Intercept + l.Slope*logOdds(byHabit))
}

// lineRows are rows of two terms in memory.
type lineRows struct {
	x, offset []float64
	label     []bool
}

func (l *lineRows) terms() int { return 2 }

func (l *lineRows) each(part int, yield func(tile)) {
	from, to := share(len(l.label), part)
	yield(tile{l.x[2*from : 2*to], l.offset[from:to], l.label[from:to]})
}
