package sendtime

import "math"

// Click tells whether a message is answered within a day, by what became of earlier ones. In the hour h it is sent in,
//
//	logit p(h) = logit(Share E(h)) + b0 + sum over j of b(j) x(j, h) + c(h) + w(h) on days of the weekend
//
// E being the engagement by habit and x the columns below. Share E is the rule: of those who engage by habit, the same part answers
// at every hour. The rest is learnt, and held small by a ridge penalty, so that with few messages the rule speaks; c and w are also held
// smooth around the clock, so that an hour in which nothing was sent is told by those beside it.
type Click struct {
	// Mean is the share of all messages that were answered.
	Mean float64 `json:"mean"`
	// Share is how many answered for each that engages by habit.
	Share float64 `json:"share"`
	// Base are the coefficients of the columns, the intercept first.
	Base []float64 `json:"base"`
	// Hour is what each local hour adds on all days, Weekend what it adds on those of the weekend.
	Hour    [Hours]float64 `json:"hour"`
	Weekend [Hours]float64 `json:"weekend"`
}

// The columns of a message.
const (
	clickHabit    = iota // log-odds of engagement by habit
	clickNear            // of the share of its messages around that hour that the CID answered, shrunk to its share of all
	clickRate            // of its share of all, shrunk to everyone's
	clickEvidence        // R / (R + 10), R being how many it received
	clickActive          // log-odds of activity on the day at all
	clickLately          // logarithm of the messages received of late, which tire
	clickWeekend         // 1 at the weekend
	clickBase            // the first of the columns of the base in that hour
	clickColumns  = clickBase + columns
)

const (
	// shareMessages and nearMessages are the weights of what an answer rate is shrunk to, in messages.
	shareMessages = 10.0
	nearMessages  = 4.0
	weekHalfLife  = 7.0 // of History.WeekDays and Lately
)

// message has the columns that are the same for all hours, and the one of answers around each.
type message struct {
	rate, evidence, active, lately, weekend float64
	near                                    [Hours]float64
}

// fill computes them.
func (v *message) fill(c *Click, h *History, q *Question, a *Answer) {
	var received, answered [Hours]float64
	sent, did := 0.0, 0.0
	for i := range Hours {
		received[i], answered[i] = float64(h.Received[i]), float64(h.Answered[i])
		sent += received[i]
		did += answered[i]
	}
	if h.mayYetAnswer(q) {
		sent--
		received[h.MessageHour]--
	}
	share := (did + shareMessages*c.Mean) / (max(sent, did) + shareMessages)
	around, answeredAround := smooth(&received, wide[:]), smooth(&answered, wide[:])
	for i := range Hours {
		// A message in the very hour counts as one.
		n, k := around[i]/wide[0], answeredAround[i]/wide[0]
		v.near[i] = logOdds((k + nearMessages*share) / (max(n, k) + nearMessages))
	}
	v.rate, v.evidence, v.active = logOdds(share), max(0, sent)/(max(0, sent)+shareMessages), logOdds(a.Active)
	gap := max(0, float64(q.Day)-float64(h.MessageDay))
	v.lately = math.Log1p(max(0, float64(h.Lately)) * math.Exp2(-gap/weekHalfLife))
	v.weekend = float64(q.class())
}

// mayYetAnswer says whether it was too early to tell whether the last message would be answered.
func (h *History) mayYetAnswer(q *Question) bool {
	seenTo := int64(q.Day)
	if q.Ahead {
		seenTo--
	}
	return h.Waiting && h.MessageHour < Hours && h.Received[h.MessageHour] > 0 && seenTo-int64(h.MessageDay) <= 1
}

// row writes the columns of an hour, byHabit being engagement by habit, but for those of the base.
func (v *message) row(hour int, byHabit float64, to *[clickBase]float64) {
	*to = [clickBase]float64{clickHabit: logOdds(byHabit), clickNear: v.near[hour], clickRate: v.rate, clickEvidence: v.evidence,
		clickActive: v.active, clickLately: v.lately, clickWeekend: v.weekend}
}

// rule returns the log-odds of an answer that habit alone foretells.
func (c *Click) rule(byHabit float64) float64 { return logOdds(c.Share * byHabit) }

// answers turns engagement by habit into probabilities of an answer.
func (c *Click) answers(h *History, q *Question, a *Answer, out *[Hours]float64) {
	var v message
	v.fill(c, h, q, a)
	var row [clickBase]float64
	for hour := range out {
		v.row(hour, out[hour], &row)
		t := c.rule(out[hour]) + c.Base[0] + dot(row[:], c.Base[1:]) + a.clicks[hour] + c.Hour[hour]
		if q.Weekend {
			t += c.Weekend[hour]
		}
		out[hour] = probability(t)
	}
}

// check says what makes a click model unusable.
func (c *Click) check() error {
	if !(c.Mean > 0 && c.Mean < 1) || !(c.Share > 0 && c.Share <= 1e6) {
		return refuse("its model of answers has a mean of %v and a share of %v", c.Mean, c.Share)
	}
	if len(c.Base) != clickColumns+1 || !moderate(c.Base) || !moderate(c.Hour[:]) || !moderate(c.Weekend[:]) {
		return refuse("its model of answers has %d coefficients, or some out of range", len(c.Base))
	}
	return nil
}
