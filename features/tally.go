package features

import "whowhen.dev/whowhen/segments"

// tally is what has been counted of an event from the newest day on, by ordinal in the block.
type tally struct {
	count, days, weekend, night [segments.BlockCIDs]uint32
	newest, oldest              [segments.BlockCIDs]int32 // age of a day plus one; 0 when there is none
	sums                        []*exactSums              // by property; nil where no event yet has needed one
	logs                        []*logSums                // the same
	logTable                    *logTable                 // nil when no column needs one
	habits                      []*spans
	tastes                      []*tastes
	// crowded says that a block has been gone through of which not only few were asked for. Until then everything is 0 between one event and the next.
	crowded bool
}

// each30Days is what comes in 30 days if so much came since the oldest day. Nothing came of who has none.
func (t *tally) each30Days(n float64, who uint16) float32 {
	return float32(30 * n / float64(t.oldest[who]+30))
}

// spans are those with a day of the event.
type spans struct {
	days  int32
	count [segments.BlockCIDs]uint32
	last  [segments.BlockCIDs]int32 // the one counted last, plus one
}

func (s *spans) reset() {
	clear(s.count[:])
	clear(s.last[:])
}

func (s *spans) add(who []uint16, age int) {
	at := int32(age)/s.days + 1
	for _, x := range who {
		if s.last[x] != at {
			s.last[x] = at
			s.count[x]++
		}
	}
}

// prepare makes room for what the event needs.
func (t *tally) prepare(e *event) {
	for i, p := range e.properties {
		if i == len(t.sums) {
			t.sums, t.logs = append(t.sums, nil), append(t.logs, nil)
		}
		if p.sums > 0 && t.sums[i] == nil {
			t.sums[i] = new(exactSums)
		}
		if p.logs > 0 && t.logs[i] == nil {
			t.logs[i] = &logSums{logs: t.logTable}
		}
	}
	for i, h := range e.habits {
		if i == len(t.habits) {
			t.habits = append(t.habits, new(spans))
		}
		t.habits[i].days = int32(h.days)
	}
	for i, p := range e.tastes {
		if i == len(t.tastes) {
			t.tastes = append(t.tastes, new(tastes))
		}
		t.tastes[i].popularity = p.popularity
	}
}

// reset makes everything 0 that the event needs.
func (t *tally) reset(e *event) {
	if e.counts > 0 {
		clear(t.count[:])
	}
	if e.onDays > 0 {
		clear(t.days[:])
	}
	if e.bounds > 0 {
		clear(t.newest[:])
		clear(t.oldest[:])
	}
	if e.weekends > 0 {
		clear(t.weekend[:])
	}
	if e.nights > 0 {
		clear(t.night[:])
	}
	for i, p := range e.properties {
		if p.sums > 0 {
			t.sums[i].reset()
		}
		if p.logs > 0 {
			clear(t.logs[i].of[:])
		}
	}
	for i := range e.habits {
		t.habits[i].reset()
	}
	for i := range e.tastes {
		t.tastes[i].reset()
	}
}

// day adds a day of an event, newest first. few are the members where they are so few that the others are not looked at, and nil otherwise.
func (t *tally) day(e *event, d segments.EventDay, age int, members *segments.Words, few []uint16) error {
	const thursday = 4 // 1970-01-01, where Sunday is 0
	weekday := ((int(d.Day())+thursday)%7 + 7) % 7
	atWeekend := age < e.weekends && (weekday == 0 || weekday == 6)
	if age < max(e.counts, e.onDays, e.bounds) {
		who, err := d.Who(few)
		if err != nil {
			return err
		}
		if age < e.counts {
			add(&t.count, who, 1)
		}
		switch {
		case age >= e.onDays:
		case e.anything:
			t.addDay(who, int32(age)+1)
		default:
			add(&t.days, who, 1)
		}
		if age < e.bounds {
			bound(&t.newest, &t.oldest, who, int32(age)+1)
		}
		for i, h := range e.habits {
			if age < h.within {
				t.habits[i].add(who, age)
			}
		}
		if atWeekend {
			add(&t.weekend, who, 1)
		}
	}
	if age < e.counts {
		err := d.More(few, func(who []uint16, weight uint32) {
			add(&t.count, who, weight)
			if atWeekend {
				add(&t.weekend, who, weight)
			}
		})
		if err != nil {
			return err
		}
	}
	if age >= e.rows {
		return nil
	}
	return d.Rows(members, few != nil, func(rows segments.EventRows) { t.rows(e, rows, age) })
}

func add(to *[segments.BlockCIDs]uint32, who []uint16, weight uint32) {
	for _, x := range who {
		to[x] += weight
	}
}

// addDay counts a day, by its age plus one, of those of whom it has not been noted.
func (t *tally) addDay(who []uint16, age int32) {
	for _, x := range who {
		if t.oldest[x] != age {
			t.days[x]++
		}
	}
}

// bound notes an age that is the greatest so far.
func bound(newest, oldest *[segments.BlockCIDs]int32, who []uint16, age int32) {
	for _, x := range who {
		if newest[x] == 0 {
			newest[x] = age
		}
		oldest[x] = age
	}
}

func (t *tally) rows(e *event, rows segments.EventRows, age int) {
	if age < e.nights {
		const daySeconds, nightSeconds = 86_400, 6 * 3600
		seconds := rows.LocalSeconds()
		for i, x := range rows.Who() {
			second := seconds[i] % daySeconds
			if second < 0 {
				second += daySeconds
			}
			if second < nightSeconds {
				t.night[x]++
			}
		}
	}
	for i, p := range e.properties {
		sums, logs := t.sums[i], t.logs[i]
		switch {
		case age < p.sums && age < p.logs: // read once
			rows.Numbers(p.name, func(who []uint16, coefficients []int64, scale uint8) {
				sums.add(who, coefficients, scale)
				logs.add(who, coefficients, scale)
			})
		case age < p.sums:
			rows.Numbers(p.name, sums.add)
		case age < p.logs:
			rows.Numbers(p.name, logs.add)
		}
	}
	for i, p := range e.tastes {
		if age < p.within {
			t.tastes[i].add(rows, age, &t.newest)
		}
	}
}
