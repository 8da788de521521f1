package sendtime

import (
	"context"
	"math"
)

// DayHead are the coefficients of activity on a day at all, the intercept first, and the share of days with activity.
type DayHead struct {
	MeanActive float64   `json:"mean_active"`
	Base       []float64 `json:"base"`
}

// The columns of a day.
const (
	dayAll      = iota // log-odds of the share of active days since the first one
	dayRecent          // of late
	dayWeek            // of the last week or so
	dayWeekday         // of this weekday among its active days, less one in seven
	dayWeekend         // 1 at the weekend
	dayNone            // 1 when nothing is known of the CID
	dayEvidence        // N / (N + 5)
	dayKnown           // logarithm of the days since the first active one
	dayGap             // the first of the bins of the days since the last active one
	dayColumns  = dayGap + gapBins
)

var gapEdges = [...]float64{1, 2, 3, 4, 5, 6, 7, 8, 14, 21, 30, 60, 90, 180, 365}

const gapBins = len(gapEdges) + 1

func gapBin(days float64) int {
	for i, edge := range gapEdges {
		if days <= edge {
			return i
		}
	}
	return gapBins - 1
}

func untrainedDay() DayHead {
	d := DayHead{MeanActive: 0.2, Base: make([]float64, dayColumns+1)}
	d.Base[1+dayRecent], d.Base[1+dayWeekday] = 1, 0.5
	return d
}

// observed is how much all of so many days weigh together, each half after a half-life.
func observed(days, halfLife float64) float64 {
	return (1 - math.Exp2(-days/halfLife)) / (math.Exp2(1/halfLife) - 1)
}

func (m *Model) fillDay(h *History, q *Question, x *[dayColumns]float64) {
	const trust = 3 // weight of the mean, in days
	*x = [dayColumns]float64{}
	mean := m.Day.MeanActive
	if q.Weekend {
		x[dayWeekend] = 1
	}
	days := float64(h.activeDays())
	if days == 0 {
		x[dayAll], x[dayRecent], x[dayWeek] = logOdds(mean), logOdds(mean), logOdds(mean)
		x[dayNone] = 1
		return
	}
	seenTo := float64(q.Day)
	if q.Ahead {
		seenTo-- // what the day before brings is not known, and no evidence of anything
	}
	gap, known := max(1, seenTo-float64(h.LastDay)), max(1, seenTo-float64(h.FirstDay))
	rate := func(active, of float64) float64 { return logOdds((active + trust*mean) / (of + trust)) }
	x[dayAll] = rate(days-1, known) // its first day is no evidence of how often it comes back
	x[dayRecent] = rate(float64(h.RecentDays)*math.Exp2(-gap/halfLife), observed(known+1, halfLife))
	x[dayWeek] = rate(float64(h.WeekDays)*math.Exp2(-gap/weekHalfLife), observed(known+1, weekHalfLife))
	x[dayWeekday] = logOdds((float64(h.Days[weekday(q.Day)])+1)/(days+7)) - logOdds(1.0/7)
	x[dayEvidence] = days / (days + 5)
	x[dayKnown] = math.Log1p(known)
	x[dayGap+gapBin(gap)] = 1
}

// weekday returns the day of the week of a day since 1970-01-01, Sunday being 0.
func weekday(day int32) int { return int(((int64(day)+4)%7 + 7) % 7) }

// Active returns the probability that there is activity on the day at all, as Predict does.
func (m *Model) Active(h *History, q *Question) float64 {
	var x [dayColumns]float64
	m.fillDay(h, q, &x)
	return probability(m.Day.Base[0] + dot(m.Day.Base[1:], x[:]))
}

// fitDay learns whether there is activity on a day. Where active days were drawn more often, the log-odds in the sample are those of
// all days plus the logarithm of how much more often, and nothing else differs (R. Prentice and R. Pyke, Biometrika 1979).
func (m *Model) fitDay(ctx context.Context, samples []DaySample, favour float64, o Options) error {
	if favour == 0 {
		favour = 1
	}
	active := 1.0
	for i := range samples {
		if samples[i].Active {
			active++
		}
	}
	idle := float64(len(samples)) + 2 - active
	m.Day.MeanActive = active / (active + favour*idle)
	data := &dayRows{model: m, samples: samples, shift: math.Log(favour)}
	seen := newMoments(dayColumns)
	var x [dayColumns]float64
	for i := range samples {
		m.fillDay(&samples[i].History, &samples[i].Question, &x)
		seen.add(x[:])
	}
	data.standard = seen.standard()
	beta := make([]float64, data.terms())
	beta[0] = logOdds(m.Day.MeanActive)
	r := regression{rows: data, penalty: ridge(data.terms(), o.DayPenalty)}
	if err := r.minimise(ctx, "the model of days", beta); err != nil {
		return err
	}
	m.Day.Base = data.standard.plain(beta)
	return nil
}

// dayRows are days, with activity and without.
type dayRows struct {
	model    *Model
	samples  []DaySample
	standard standard
	shift    float64 // of the log-odds, by how the samples were drawn
}

func (d *dayRows) terms() int { return dayColumns + 1 }

func (d *dayRows) each(part int, yield func(tile)) {
	const tileRows = 256
	terms := d.terms()
	all := tile{make([]float64, tileRows*terms), make([]float64, tileRows), make([]bool, tileRows)}
	var x [dayColumns]float64
	from, to := share(len(d.samples), part)
	for ; from < to; from += tileRows {
		n := min(tileRows, to-from)
		for i := range n {
			s := &d.samples[from+i]
			d.model.fillDay(&s.History, &s.Question, &x)
			d.standard.apply(x[:], all.x[i*terms:(i+1)*terms])
			all.offset[i], all.label[i] = d.shift, s.Active
		}
		yield(tile{all.x[:n*terms], all.offset[:n], all.label[:n]})
	}
}
