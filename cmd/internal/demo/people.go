package demo

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// person is one client of the sample app: what the app is told of it, and the
// habits behind what it does, which the app is never told.
type person struct {
	id     [16]byte
	name   string // the CID when it is not 32 hexadecimal digits; otherwise empty
	place  int
	signup int64 // Unix seconds

	age         int // 0 when unknown
	plan        string
	platform    string
	pushEnabled bool
	interests   []int // indexes into categories

	habits
}

// habits decide when and how often a person comes, and what for.
type habits struct {
	active        float64 // chance to come on a weekday
	weekend       float64 // that chance's factor on Saturdays and Sundays
	peak, second  float64 // hours of the local day around which the person comes
	secondShare   float64 // how often it is the second one
	spreadMinutes float64
	weekendLater  float64 // hours later on Saturdays and Sundays

	leaves  int // day of the window from which interest fades; beyond the window for most
	buys    float64
	ticket  float64 // logarithm of the usual amount
	taste   int     // the favourite category
	clicker float64 // how easily a message moves this person
}

// categories are what people are interested in and buy, with a usual amount.
func categories() []string {
	return []string{"shoes", "books", "music", "sports", "beauty", "toys", "garden", "coffee", "games", "travel"}
}

const foreverAway = math.MaxInt32

func (w *world) newPerson(r *rand.Rand, index int) person {
	var p person
	for i := 0; i < len(p.id); i += 8 {
		u := r.Uint64()
		for j := range 8 {
			p.id[i+j] = byte(u >> (8 * j))
		}
	}
	if index%50 == 49 { // some clients bring ids of their own
		p.name = fmt.Sprintf("web:%d.%x", 1_000_000+index, p.id[:3])
	}
	p.place = w.pickPlace(r)
	p.signup = w.pickSignup(r)
	p.habits = w.pickHabits(r, p.signup)
	p.describe(r)
	return p
}

func (w *world) pickPlace(r *rand.Rand) int {
	at := r.IntN(1000)
	for i, pl := range w.places {
		if at -= pl.perMille; at < 0 {
			return i
		}
	}
	return len(w.places) - 1
}

// pickSignup spreads sign-ups over two years and more: more of them lately.
func (w *world) pickSignup(r *rand.Rand) int64 {
	const longest = 800 * 24 * time.Hour
	back := math.Pow(r.Float64(), 1.6) * longest.Seconds()
	return w.today.Unix() - int64(back) - 60
}

func (w *world) pickHabits(r *rand.Rand, signup int64) habits {
	h := habits{
		active:        0.008 + 0.8*math.Pow(r.Float64(), 3.8),
		weekend:       math.Exp(0.45 * r.NormFloat64()),
		spreadMinutes: 25 + 70*r.Float64(),
		weekendLater:  3 * r.Float64(),
		secondShare:   0.45 * r.Float64(),
		leaves:        foreverAway,
		buys:          0.16 * math.Pow(r.Float64(), 2),
		ticket:        3.1 + 0.55*r.NormFloat64(),
		taste:         r.IntN(len(w.categories)),
		clicker:       0.3 + 1.4*r.Float64(),
	}
	// Early birds, lunch breaks, evenings on the sofa, night owls.
	switch u := r.Float64(); {
	case u < 0.25:
		h.peak, h.second = 7+r.NormFloat64(), 19
	case u < 0.45:
		h.peak, h.second = 12.5+0.7*r.NormFloat64(), 21
	case u < 0.85:
		h.peak, h.second = 20+1.2*r.NormFloat64(), 8
	default:
		h.peak, h.second = 23.5+1.2*r.NormFloat64(), 14
	}
	// One in four leaves at some time: those who signed up lately more readily, and
	// those who come seldom too.
	risk := 0.18 + 0.25*math.Exp(-float64(w.today.Unix()-signup)/86400/60) + 0.1*(1-h.active)
	if r.Float64() < risk {
		h.leaves = r.IntN(w.days+20) - 20
	}
	return h
}

// describe sets what the app is told, some of it related to the habits.
func (p *person) describe(r *rand.Rand) {
	if r.Float64() < 0.86 {
		p.age = min(13+int(math.Abs(14*r.NormFloat64()+20)), 90)
	}
	switch u := r.Float64() - 0.25*p.active - 0.6*p.buys; {
	case u < 0.02:
		p.plan = "pro"
	case u < 0.15:
		p.plan = "plus"
	default:
		p.plan = "free"
	}
	switch u := r.Float64(); {
	case p.name != "":
		p.platform = "web"
	case u < 0.62:
		p.platform = "android"
	default:
		p.platform = "ios"
	}
	p.pushEnabled = p.platform != "web" && r.Float64() < 0.78
	if r.Float64() < 0.8 {
		p.interests = append(p.interests, p.taste)
		for range r.IntN(3) {
			p.interests = append(p.interests, (p.taste+1+r.IntN(9))%10)
		}
	}
}

// cid returns the person's client id as text.
func (p *person) cid() string {
	if p.name != "" {
		return p.name
	}
	return hex.EncodeToString(p.id[:])
}

// chance is how likely the person comes on a day of the window.
func (p *person) chance(day int, weekend bool, daysSinceSignup float64) float64 {
	c := p.active
	if weekend {
		c *= p.weekend
	}
	if daysSinceSignup < 10 { // new things are looked at more often
		c += 0.35 * (1 - daysSinceSignup/10)
	}
	if day >= p.leaves {
		c *= math.Exp(-float64(day-p.leaves) / 6)
	}
	return min(c, 0.97)
}

// minuteOfDay picks the minute of the local day at which the person comes.
func (p *person) minuteOfDay(r *rand.Rand, weekend bool) int64 {
	hour := p.peak
	if r.Float64() < p.secondShare {
		hour = p.second
	}
	if weekend {
		hour += p.weekendLater
	}
	minute := hour*60 + p.spreadMinutes*r.NormFloat64()
	if r.Float64() < 0.12 { // and sometimes at any hour
		minute = 1440 * r.Float64()
	}
	return (int64(minute)%1440 + 1440) % 1440
}
