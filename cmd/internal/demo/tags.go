package demo

import (
	"math/rand/v2"
	"time"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// tagged is one tag with those who bear it, and until when where it expires.
type tagged struct {
	name    string
	people  []int32
	expires []int64 // Unix milliseconds, parallel to people; nil when it does not expire
}

// tags looks at what people did in the window before its last day: the good customers,
// the lapsed. Other tags come from elsewhere.
func (w *world) tags(seed uint64) []tagged {
	spent := make([]int64, len(w.people))
	lastOpen := make([]int, len(w.people))
	for i := range lastOpen {
		lastOpen[i] = -1
	}
	for day, dayParts := range w.byDay[:w.days-1] {
		for _, part := range dayParts {
			for _, e := range part {
				switch e.kind {
				case opened:
					lastOpen[e.person] = day
				case purchased:
					spent[e.person] += int64(e.cents)
				}
			}
		}
	}
	vip, lapsed := tagged{name: "vip"}, tagged{name: "lapsed"}
	staff, beta, newsletter := tagged{name: "staff"}, tagged{name: "beta"}, tagged{name: "newsletter"}
	trial, voucher := tagged{name: "trial"}, tagged{name: "voucher"}
	r := rand.New(rand.NewPCG(seed, 1<<63)) // a stream that no person has
	for i := range w.people {
		p, who := &w.people[i], int32(i)
		add := func(t *tagged, yes bool) {
			if yes {
				t.people = append(t.people, who)
			}
		}
		add(&vip, spent[i] > 400_00)
		add(&lapsed, w.days > 30 && lastOpen[i] >= 0 && lastOpen[i] < w.days-30)
		add(&staff, r.Float64() < 0.002)
		add(&beta, r.Float64() < 0.03+0.05*p.active)
		add(&newsletter, r.Float64() < 0.4)
		if since := w.today.Unix() - p.signup; since < 60*86400 && p.plan == "free" && r.Float64() < 0.5 {
			add(&trial, true) // two weeks to a month; over for most
			trial.expires = append(trial.expires, (p.signup+int64(14+r.IntN(17))*86400)*1000)
		}
		if r.Float64() < 0.05 {
			add(&voucher, true)
			voucher.expires = append(voucher.expires, w.today.Add(time.Duration(r.IntN(21*24)-24)*time.Hour).UnixMilli())
		}
	}
	return []tagged{vip, lapsed, staff, beta, newsletter, trial, voucher}
}

// tagBatches cuts a tag into batches, people with packed CIDs before those with names.
func (w *world) tagBatches(t tagged) []batch {
	var sorted [2]tagged
	for n, i := range t.people {
		s := &sorted[0]
		if w.people[i].name != "" {
			s = &sorted[1]
		}
		s.people = append(s.people, i)
		if t.expires != nil {
			s.expires = append(s.expires, t.expires[n])
		}
	}
	var batches []batch
	for _, s := range sorted {
		for from := 0; from < len(s.people); from += rowsPerBatch {
			end := min(from+rowsPerBatch, len(s.people))
			c := &whowhenv1.TagColumns{Tag: t.name, Cids: w.cidColumn(s.people[from:end])}
			if s.expires != nil {
				c.ExpiresAtUnixMillis = s.expires[from:end]
			}
			batches = append(batches, batch{rows: end - from, tags: []*whowhenv1.TagColumns{c}})
		}
	}
	return batches
}
