package sendtime

import "math"

// Model predicts. It is plain data, as an artifact has it, and safe for concurrent use while nobody changes it.
type Model struct {
	Curves *Curves `json:"curves"`
	// Trained says that coefficients were fitted. Otherwise they are a rule, see Untrained.
	Trained bool `json:"trained"`
	// MeanHours are the active hours of an active day, of everyone.
	MeanHours float64 `json:"mean_hours"`
	// Near answers where the day before is known, Ahead where it is not.
	Near  Head `json:"near"`
	Ahead Head `json:"ahead"`
	// Day tells whether there is activity on a day at all.
	Day DayHead `json:"day"`
	// Window has for each width of a window, in hours less one, the part of the sum of the hazards of its hours that counts: hours in which one is active
	// come together, so that two do not bring twice what one does.
	Window [Hours]float64 `json:"window"`
	// Delay is how long messages wait to be answered.
	Delay Delay `json:"delay"`
	// Click tells whether messages are answered; nil where there were too few to learn from, or where it tells no better than habit.
	Click *Click `json:"click"`
}

// Head are the coefficients of the hours: of the base, the intercept first, and of the kernel for each hour, its intercept first; without
// a kernel the base speaks alone.
type Head struct {
	Base   []float64   `json:"base"`
	Kernel [][]float64 `json:"kernel"`
}

// base returns the log-odds of an hour by its columns.
func (h *Head) base(x *[columns]float64) float64 { return h.Base[0] + dot(h.Base[1:], x[:]) }

// Untrained returns the model that needs no samples: a CID's own histogram, smoothed and shrunk to the curve of its country or zone, which is
// shrunk to everyone's, which without anybody is PriorCurve.
func Untrained(c *Curves) *Model {
	m := &Model{Curves: c, MeanHours: 2, Near: rule(), Ahead: rule(), Day: untrainedDay(), Delay: PriorDelay()}
	for i := range m.Window {
		m.Window[i] = 1
	}
	return m
}

// rule takes the CID's histogram on days of the same class and its recent one, half and half.
func rule() Head {
	h := Head{Base: make([]float64, columns+1)}
	h.Base[1+columnClass], h.Base[1+columnRecent] = 0.5, 0.5
	return h
}

func (q *Question) class() int {
	if q.Weekend {
		return 1
	}
	return 0
}

// leastDays is from how many active days on an answer is said to rest on the CID's own habits. It changes no probability: the weight of
// the own habits grows with every day.
const leastDays = 5

// Predict answers a question about a CID. It allocates nothing.
func (m *Model) Predict(h *History, q *Question, a *Answer) {
	head := &m.Near
	if q.Ahead {
		head = &m.Ahead
	}
	var x matrix
	m.fill(h, q, &x)
	var y [kernelInputs]float64
	if len(head.Kernel) == Hours {
		h.kernelInputs(q.Day, &y)
	}
	for i := range Hours {
		t := head.base(&x[i])
		if len(head.Kernel) == Hours {
			t += head.Kernel[i][0] + dot(head.Kernel[i][1:], y[:])
		}
		a.Hour[i] = probability(t)
		if m.Click != nil {
			a.clicks[i] = dot(m.Click.Base[1+clickBase:], x[i][:])
		}
	}
	a.Active = m.Active(h, q)
	a.ActiveDays = h.activeDays()
	a.Level = m.level(a.ActiveDays, q)
}

func (m *Model) level(activeDays int, q *Question) Level {
	switch c := m.Curves; {
	case activeDays >= leastDays:
		return LevelUser
	case q.Country >= 0 && q.Country < len(c.Country) && c.CountryCIDs[q.Country] >= curveCIDs,
		q.Zoned && c.ZoneCIDs[zoneIndex(q.OffsetMinutes)] >= curveCIDs:
		return LevelZone
	case c.CIDs >= priorCIDs:
		return LevelEveryone
	}
	return LevelPrior
}

func probability(logOdds float64) float64 { return 1 / (1 + math.Exp(-logOdds)) }
