package sendtime

import "math"

// The columns of the base, for each hour. Probabilities are taken as log-odds.
const (
	columnEveryone      = iota // the curve of everyone
	columnZone                 // of the zone
	columnCountry              // of the country, of the zone where there is none
	columnOwn                  // the CID's histogram, smoothed, shrunk to the curve of its country
	columnOwnSharp             // the same, less smoothed and less shrunk
	columnOwnWide              // the same, smoothed widely
	columnClass                // of days of the same class, shrunk to all its days
	columnRecent               // of late, shrunk to all its days
	columnRecentWide           // the same, smoothed widely
	columnOwnEvidence          // columnOwn less columnCountry, by how much evidence it has
	columnSharpEvidence        // columnOwnSharp less columnOwn, by how little
	columnRecentFaded          // columnRecent less columnOwn, by how much has faded
	columnLast                 // activity in that hour of the last active day, fading with the days since
	columnLastNear             // in the hours beside it
	columnLastFar              // and two away
	columnLastBefore           // in that hour of the day before the last active one
	columnRate                 // logarithm of the active hours of an active day
	columnRecentRate           // of late
	columnLastCount            // of the last active day
	columnNone                 // 1 when nothing is known of the CID
	columnEvidence             // N / (N + 5), N being its active days
	columnReceived             // messages received in that hour, as a share of all
	columnReceivedRate         // messages received for each active day
	columnElapsed              // the first of the bins of the time from the last activity to the hour asked about
	columns             = columnElapsed + elapsedBins
)

// matrix has the columns of the base for each hour.
type matrix [Hours][columns]float64

// elapsedEdges part the hours from the last activity to the hour asked about: around a day and a week they are close.
var elapsedEdges = [...]float64{1.5, 2.5, 3.5, 4.5, 6.5, 8.5, 11.5, 15.5, 19.5, 22.5, 25.5, 30.5, 40.5, 60.5, 100.5, 170, 400, 1000, 4000}

const elapsedBins = len(elapsedEdges) + 1

func elapsedBin(hours float64) int {
	for i, edge := range elapsedEdges {
		if hours < edge {
			return i
		}
	}
	return elapsedBins - 1
}

// Weights of what a histogram is shrunk to, in days; and after how many days the last one has faded to 1/e.
const (
	ownDays    = 6.0
	sharpDays  = 2.0
	classDays  = 6.0
	recentDays = 4.0
	rateDays   = 5.0
	lastFade   = 3.0
	halfLife   = 30.0 // of History.Recent
)

// Weights of an hour and of those beside it, around the clock.
var (
	narrow = [...]float64{0.6, 0.2}
	middle = [...]float64{0.36, 0.22, 0.08, 0.02}
	wide   = [...]float64{0.18, 0.16, 0.12, 0.07, 0.04, 0.02}
)

func smooth(in *[Hours]float64, weights []float64) (out [Hours]float64) {
	for h := range Hours {
		sum := weights[0] * in[h]
		for k := 1; k < len(weights); k++ {
			sum += weights[k] * (in[(h+k)%Hours] + in[(h+Hours-k)%Hours])
		}
		out[h] = sum
	}
	return out
}

// logOdds of a probability, bounded.
func logOdds(p float64) float64 {
	p = min(max(p, 1e-4), 1-1e-4)
	return math.Log(p / (1 - p))
}

// past is a history as it looks from a day.
type past struct {
	days, sameDays, recentDays float64 // active ones: all, of the same class, of late
	all, same, recent          [Hours]float64
	last, before               uint32
	gap                        float64 // from the last active day
	lastFade                   float64
}

func newPast(h *History, q *Question) (p past) {
	if p.days = float64(h.activeDays()); p.days == 0 {
		return p
	}
	p.gap = max(0, float64(q.Day)-float64(h.LastDay))
	fade := math.Exp2(-p.gap / halfLife)
	p.lastFade = math.Exp(-p.gap / lastFade)
	p.recentDays = float64(h.RecentDays) * fade
	p.last, p.before = h.LastHours[0], h.LastHours[1]
	if p.sameDays = float64(h.weekendDays()); !q.Weekend {
		p.sameDays = p.days - p.sameDays
	}
	for i := range Hours {
		p.all[i] = float64(h.Hours[i])
		if p.same[i] = float64(h.Weekend[i]); !q.Weekend {
			p.same[i] = p.all[i] - p.same[i]
		}
		p.recent[i] = float64(h.Recent[i]) * fade
	}
	return p
}

// fill computes the columns.
func (m *Model) fill(h *History, q *Question, x *matrix) {
	*x = matrix{}
	p := newPast(h, q)
	everyone, zone, country := m.Curves.Everyone.On(q), m.Curves.OfZone(q).On(q), m.Curves.countryOf(q).On(q)
	evidence, faded := p.days/(p.days+5), 1-p.recentDays/(p.days+1)
	ownNarrow, ownMiddle, ownWide := smooth(&p.all, narrow[:]), smooth(&p.all, middle[:]), smooth(&p.all, wide[:])
	same, recent, recentWide := smooth(&p.same, middle[:]), smooth(&p.recent, narrow[:]), smooth(&p.recent, wide[:])
	for i := range Hours {
		r := &x[i]
		r[columnEveryone], r[columnZone], r[columnCountry] = logOdds(everyone[i]), logOdds(zone[i]), logOdds(country[i])
		own := (ownMiddle[i] + ownDays*country[i]) / (p.days + ownDays)
		r[columnOwn] = logOdds(own)
		r[columnOwnSharp] = logOdds((ownNarrow[i] + sharpDays*country[i]) / (p.days + sharpDays))
		r[columnOwnWide] = logOdds((ownWide[i] + ownDays*country[i]) / (p.days + ownDays))
		r[columnClass] = logOdds((same[i] + classDays*own) / (p.sameDays + classDays))
		r[columnRecent] = logOdds((recent[i] + recentDays*own) / (p.recentDays + recentDays))
		r[columnRecentWide] = logOdds((recentWide[i] + recentDays*own) / (p.recentDays + recentDays))
		r[columnOwnEvidence] = (r[columnOwn] - r[columnCountry]) * evidence
		r[columnSharpEvidence] = (r[columnOwnSharp] - r[columnOwn]) * (1 - evidence)
		r[columnRecentFaded] = (r[columnRecent] - r[columnOwn]) * faded
		r[columnEvidence] = evidence
	}
	m.fillLast(h, &p, x)
	fillReceived(h, p.days, x)
}

// fillLast computes the columns of the last active day and of the rate.
func (m *Model) fillLast(h *History, p *past, x *matrix) {
	total, recent := 0.0, 0.0
	for i := range Hours {
		total += p.all[i]
		recent += p.recent[i]
	}
	rate := (total + rateDays*m.MeanHours) / (p.days + rateDays)
	logRate := math.Log(rate)
	logRecent := math.Log((recent + rateDays*rate) / (p.recentDays + rateDays))
	count := 0.0
	at := func(hours uint32, hour int) float64 { return float64(hours >> ((hour + Hours) % Hours) & 1) }
	for i := range Hours {
		count += at(p.last, i)
	}
	logCount, lastHour := math.Log1p(count), float64(h.lastHour())
	for i := range Hours {
		r := &x[i]
		r[columnRate], r[columnRecentRate] = logRate, logRecent
		if p.days == 0 {
			r[columnNone] = 1
			continue
		}
		r[columnLast] = at(p.last, i) * p.lastFade
		r[columnLastNear] = (at(p.last, i-1) + at(p.last, i+1)) * p.lastFade
		r[columnLastFar] = (at(p.last, i-2) + at(p.last, i+2)) * p.lastFade
		r[columnLastBefore] = at(p.before, i) * p.lastFade
		r[columnLastCount] = logCount
		r[columnElapsed+elapsedBin(24*p.gap+float64(i)-lastHour)] = 1
	}
}

// fillReceived computes the columns of messages: with them, a habit of being messaged need not pass for one of the CID.
func fillReceived(h *History, days float64, x *matrix) {
	const few = 5 // messages, or days, that do not say much
	received := 0.0
	for _, n := range h.Received {
		received += float64(n)
	}
	if received == 0 {
		return
	}
	rate := math.Log1p(received / (days + few))
	for i := range Hours {
		x[i][columnReceived] = float64(h.Received[i]) / (received + few)
		x[i][columnReceivedRate] = rate
	}
}

// kernelInputs are four histograms of 24 hours: the last active day, the same fading with the days since, all days, and days of late.
const kernelInputs = 4 * Hours

func (h *History) kernelInputs(day int32, y *[kernelInputs]float64) {
	const allDays, lateDays = 3, 1 // weights of nothing at all
	*y = [kernelInputs]float64{}
	days := float64(h.activeDays())
	if days == 0 {
		return
	}
	gap := max(0, float64(day)-float64(h.LastDay))
	fade, lately := math.Exp2(-gap/halfLife), math.Exp(-gap/lastFade)
	recent := float64(h.RecentDays) * fade
	for i := range Hours {
		last := float64(h.LastHours[0] >> i & 1)
		y[i], y[Hours+i] = last, last*lately
		y[2*Hours+i] = float64(h.Hours[i]) / (days + allDays)
		y[3*Hours+i] = float64(h.Recent[i]) * fade / (recent + lateDays)
	}
}
