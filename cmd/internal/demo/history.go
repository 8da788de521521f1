package demo

import (
	"math"
	"math/rand/v2"
)

// kind is what an event of the sample is about.
type kind uint8

const (
	opened kind = iota
	purchased
	pushSent
	pushFailed
	pushDisplayed
	pushClicked
	pushDismissed
	kinds
)

func (k kind) String() string {
	return [...]string{"open", "purchase", "push.sent", "push.failed", "push.displayed", "push.clicked", "push.dismissed"}[k]
}

// event is one thing a person did, or that was sent to it, as small as possible
// because millions of them are held at once.
type event struct {
	seconds  int32 // since the window began
	person   int32
	offset   int16 // minutes
	kind     kind
	category uint8
	count    uint8 // screens of an open, items of a purchase
	code     uint8 // the open's source, the purchase's category, the campaign of a receipt
	arm      uint8
	cents    int32
}

const (
	byIcon = iota
	byLink
	byPush
)

func sources() []string { return []string{"icon", "link", "push"} }

// history is what one person does in the window. add keeps what lies in it and
// after the person's sign-up.
type history struct {
	w      *world
	r      *rand.Rand
	p      *person
	index  int32
	clock  *zoneClock
	events []event
}

func (h *history) add(unix int64, e event) {
	if unix < h.p.signup || unix < h.w.from.Unix() || unix > h.w.now.Unix() {
		return
	}
	e.seconds, e.person, e.offset = int32(unix-h.w.from.Unix()), h.index, h.clock.offsetMinutes(unix)
	h.events = append(h.events, e)
}

// live lets the person live through the window.
func (h *history) live() {
	firstDay := 0
	if late := h.p.signup - h.w.from.Unix(); late > 0 {
		firstDay = max(int(late/86400)-1, 0)
	}
	for day := firstDay; day < h.w.days; day++ {
		midnight := h.w.from.Unix() + int64(day)*86400 // of the local day, as if it were UTC
		weekday := (midnight/86400 + 4) % 7
		weekend := weekday == 0 || weekday == 6
		age := float64(midnight-h.p.signup) / 86400
		if h.r.Float64() >= h.p.chance(day, weekend, max(age, 0)) {
			continue
		}
		for {
			h.visit(h.clock.toUTC(midnight+h.p.minuteOfDay(h.r, weekend)*60+int64(h.r.IntN(60))), byIcon)
			if h.r.Float64() > 0.28 {
				break
			}
		}
	}
	if h.p.pushEnabled {
		for i := range h.w.campaigns {
			h.receive(i)
		}
	}
}

// visit opens the app, and perhaps buys.
func (h *history) visit(unix int64, source uint8) {
	if source == byIcon && h.r.Float64() < 0.15 {
		source = byLink
	}
	h.add(unix, event{kind: opened, code: source, count: uint8(1 + min(h.r.ExpFloat64()*4, 60))})
	if h.r.Float64() >= h.p.buys {
		return
	}
	category := h.p.taste
	if h.r.Float64() < 0.4 {
		category = h.r.IntN(len(h.w.categories))
	}
	amount := math.Exp(h.p.ticket + 0.6*h.r.NormFloat64())
	h.add(unix+30+int64(h.r.IntN(900)), event{
		kind: purchased, category: uint8(category),
		count: uint8(1 + min(h.r.ExpFloat64(), 9)),
		cents: int32(min(amount*100, 500_000)) + 99,
	})
}

// receive gets the messages of one campaign, if the person is among its audience.
func (h *history) receive(index int) {
	c := &h.w.campaigns[index]
	if h.r.Float64() >= c.share {
		return
	}
	midnight := h.w.from.Unix() + int64(c.day)*86400
	sent := midnight + int64(c.hour)*3600 + int64(h.r.IntN(600))
	if !c.atOnce {
		sent = h.clock.toUTC(sent)
	}
	if sent < h.p.signup {
		return
	}
	arm := uint8(h.r.IntN(2))
	receipt := func(unix int64, k kind) { h.add(unix, event{kind: k, code: uint8(index), arm: arm}) }
	receipt(sent, pushSent)
	if h.r.Float64() < 0.03 {
		receipt(sent+1, pushFailed)
		return
	}
	if h.r.Float64() < 0.25 { // the phone was off, or the message was swept away with others
		return
	}
	shown := sent + 2 + int64(h.r.ExpFloat64()*240)
	receipt(shown, pushDisplayed)

	// A message is clicked by those who care for its subject, who are awake for it
	// and who have not left; the wording matters a little.
	wall := shown + int64(h.clock.offsetMinutes(shown))*60
	hour := float64(wall%86400) / 3600
	away := math.Abs(hour - h.p.peak)
	away = min(away, 24-away)
	click := 0.05 * h.p.clicker * (0.4 + 2.2*h.p.active) * (0.4 + 1.6*math.Exp(-away*away/8))
	if c.category == h.p.taste {
		click *= 3
	}
	if arm == 1 {
		click *= 1.2
	}
	if c.day >= h.p.leaves {
		click *= 0.2
	}
	reacted := shown + 20 + int64(h.r.ExpFloat64()*400)
	switch u := h.r.Float64(); {
	case u < click:
		receipt(reacted, pushClicked)
		h.visit(reacted+2, byPush)
	case u < click+0.3:
		receipt(reacted, pushDismissed)
	}
}
