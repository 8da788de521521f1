package plan_test

import (
	"math"
	"slices"
	"time"

	"whowhen.dev/whowhen/serve/plan"
)

// The twin answers the same question by looking at every step of the range, one after the other, and asks the time package what the wall shows.
// It is slow and obvious, and knows nothing of periods, spans and moves computed beforehand.

type twin struct {
	loc         *time.Location
	from, until int64
	width       int64
	step        int64 // what divides every offset and edge
	quiet       []twinQuiet
	holidays    map[int64]string // local days, to what is done about them: avoid, shift or weekend
	curve       *plan.Curve
}

// twinQuiet is quiet from a minute to a minute of the days that begin on some weekdays; the end may be on the next day.
type twinQuiet struct {
	days       []time.Weekday // empty is every
	start, end int64
	on         string
}

// wall returns what the clock on the wall shows, as Unix time of a clock at UTC.
func (w *twin) wall(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(w.loc).Zone()
	return unix + int64(offset)
}

func floorDiv(x, y int64) int64 { return int64(math.Floor(float64(x) / float64(y))) }

type twinStep struct {
	wall     int64
	repeated bool   // the wall has shown this or a later time before
	first    bool   // the first step of its local hour
	against  string // what a rule does about it: "", best, shift, day, drop
	quiet    bool
	holiday  bool
}

func (w *twin) steps() []twinStep {
	var steps []twinStep
	latest, hours := int64(math.MinInt64), map[int64]bool{}
	for at := w.from; at < w.until; at += w.step {
		s := twinStep{wall: w.wall(at)}
		hour := floorDiv(s.wall, 3600)
		s.repeated, s.first = s.wall <= latest, !hours[hour]
		latest, hours[hour] = max(latest, s.wall), true
		day := floorDiv(s.wall, 86400)
		for _, q := range w.quiet {
			for _, begun := range []int64{day, day - 1} {
				weekday := time.Unix(begun*86400, 0).UTC().Weekday()
				minute := float64(s.wall-begun*86400) / 60
				if (len(q.days) == 0 || slices.Contains(q.days, weekday)) && minute >= float64(q.start) && minute < float64(q.end) && q.on != "ignore" {
					s.quiet = true
					s.against = stricter(s.against, q.on)
				}
			}
		}
		switch w.holidays[day] {
		case "avoid":
			s.holiday, s.against = true, stricter(s.against, "best")
		case "shift":
			s.holiday, s.against = true, stricter(s.against, "day")
		}
		steps = append(steps, s)
	}
	return steps
}

func stricter(a, b string) string {
	order := []string{"", "best", "shift", "day", "drop"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

type twinWindow struct {
	start    int64
	wall     int64
	mean     float64 // of the chances of its hours
	any      float64 // chance in it
	notAfter int64
	against  string
	quiet    bool
	holiday  bool
	rhythm   bool // a day of it is a holiday with the weekend's rhythm
}

func (w *twin) windows() []twinWindow {
	steps := w.steps()
	n := int(w.width / w.step)
	var all []twinWindow
	for i := 0; i+n <= len(steps); i++ {
		s := steps[i]
		// An edge is where what rules are against ends, or where a window just fits before it.
		edge := s.against == "" && !s.repeated &&
			(i == 0 || steps[i-1].against != "" || i+n == len(steps) || steps[i+n].against != "") && free(steps[i:i+n])
		if i != 0 && !s.first && !edge {
			continue
		}
		win := twinWindow{start: w.from + int64(i)*w.step, wall: s.wall, notAfter: w.until}
		shown := map[int64]bool{}
		share := map[int64]float64{}
		for _, s := range steps[i : i+n] {
			win.against = stricter(win.against, s.against)
			win.quiet, win.holiday = win.quiet || s.quiet, win.holiday || s.holiday
			if !shown[s.wall] {
				shown[s.wall] = true
				share[floorDiv(s.wall, 3600)] += float64(w.step) / 3600
			}
		}
		miss, sum, parts := 1.0, 0.0, 0.0
		for hour, part := range share {
			day := floorDiv(hour, 24)
			weekday := time.Unix(day*86400, 0).UTC().Weekday()
			rhythm := w.holidays[day] == "weekend"
			win.rhythm = win.rhythm || rhythm
			class := 0
			if rhythm || weekday == time.Saturday || weekday == time.Sunday {
				class = 1
			}
			chance := w.curve[class][hour-24*day].Float()
			miss *= math.Pow(1-chance, part)
			sum, parts = sum+chance*part, parts+part
		}
		win.mean, win.any = sum/parts, 1-miss
		for j := i + n; j < len(steps); j++ {
			if steps[j].against != "" {
				win.notAfter = w.from + int64(j)*w.step
				break
			}
		}
		all = append(all, win)
	}
	return all
}

func free(steps []twinStep) bool {
	for _, s := range steps {
		if s.against != "" {
			return false
		}
	}
	return true
}

// answer returns the chosen window and the alternatives, and the reasons.
func (w *twin) answer(alternatives int) (chosen []twinWindow, reasons plan.Reasons) {
	all := w.windows()
	open := func(win twinWindow) bool { return win.against == "" }
	wanted := bestOf(all, func(twinWindow) bool { return true })
	if wanted == nil {
		return nil, plan.NoWindow
	}
	var take *twinWindow
	switch wanted.against {
	case "":
		take = wanted
	case "drop":
	case "day":
		before, after := w.nearestDay(all, wanted, -1), w.nearestDay(all, wanted, 1)
		if before != nil || after != nil {
			take = betterOf(wanted, before, after)
			break
		}
		fallthrough
	case "shift":
		var before, after *twinWindow
		for i := range all {
			if open(all[i]) && all[i].start < wanted.start {
				before = &all[i]
			}
			if open(all[i]) && all[i].start > wanted.start && after == nil {
				after = &all[i]
			}
		}
		take = betterOf(wanted, before, after)
	}
	if take == nil && wanted.against != "drop" {
		take = bestOf(all, open)
	}
	if take == nil {
		reasons = plan.NoWindow
	}
	if wanted.against != "" && wanted.quiet {
		if take == nil {
			reasons |= plan.QuietHours
		} else {
			reasons |= plan.MovedFromQuiet
		}
	}
	if wanted.holiday || take != nil && take.rhythm {
		reasons |= plan.Holiday
	}
	if take == nil {
		return nil, reasons
	}
	chosen = append(chosen, *take)
	for range alternatives {
		next := bestOf(all, func(win twinWindow) bool {
			for _, c := range chosen {
				if win.start < c.start+w.width && c.start < win.start+w.width {
					return false
				}
			}
			return open(win)
		})
		if next == nil {
			break
		}
		chosen = append(chosen, *next)
	}
	return chosen, reasons
}

func (w *twin) nearestDay(all []twinWindow, from *twinWindow, sign int64) *twinWindow {
	for days := int64(1); days <= 40; days++ {
		for i := range all {
			if all[i].against == "" && all[i].wall == from.wall+sign*days*86400 {
				return &all[i]
			}
		}
	}
	return nil
}

// tolerance is what the twin's and the planner's arithmetic may differ by.
const tolerance = 1e-9

func bestOf(all []twinWindow, eligible func(twinWindow) bool) *twinWindow {
	var best *twinWindow
	for i := range all {
		if eligible(all[i]) && (best == nil || all[i].mean > best.mean+tolerance) {
			best = &all[i]
		}
	}
	return best
}

func betterOf(from, before, after *twinWindow) *twinWindow {
	switch {
	case before == nil:
		return after
	case after == nil:
		return before
	case after.mean > before.mean+tolerance:
		return after
	case before.mean > after.mean+tolerance:
		return before
	case after.start-from.start < from.start-before.start:
		return after
	}
	return before
}
