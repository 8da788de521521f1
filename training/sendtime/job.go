package sendtime

import (
	"context"
	"strconv"
	"strings"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// job is one training or backtest. All its views are of one version of the store.
type job struct {
	app     *segments.App
	now     *segments.View
	options Options
	first   propensity.Day // with activity, by the app's days
	last    propensity.Day // with activity that is over, or today
}

func newJob(ctx context.Context, app *segments.App, o Options) (*job, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return nil, err
	}
	j := &job{app: app, now: view, options: o}
	if err := j.look(ctx); err != nil {
		view.Close()
		return nil, err
	}
	return j, nil
}

func (j *job) close() { j.now.Close() }

// look finds the span of the activity.
func (j *job) look(ctx context.Context) error {
	catalog, err := j.now.Catalog(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, name := range j.options.Source.Engaged {
		for _, e := range catalog.Events {
			if e.Name != name {
				continue
			}
			if !found || propensity.Day(e.FirstDay) < j.first {
				j.first = propensity.Day(e.FirstDay)
			}
			j.last = max(j.last, propensity.Day(e.LastDay))
			found = true
		}
	}
	if found {
		return nil
	}
	var quoted, known []string
	for _, name := range j.options.Source.Engaged {
		quoted = append(quoted, strconv.Quote(name))
	}
	for _, e := range catalog.Events {
		known = append(known, e.Name)
	}
	if len(known) == 0 {
		return badOption("the app has no events yet: load some with \"whowhen load events\"")
	}
	return badOption("nobody has done %s yet: name events that are activity with --event; there are %s", strings.Join(quoted, " or "), strings.Join(known, ", "))
}

func (j *job) progress(what string, done, of int) {
	if j.options.Progress != nil {
		j.options.Progress(Progress{what, done, of})
	}
}

// read calls yield with everybody of a view, some at a time.
func (j *job) read(ctx context.Context, v *segments.View, what string, yield func([]rhythm.Person) error) error {
	r := rhythm.NewReader(ctx, v, j.app.Zone(), j.options.Source)
	defer r.Close()
	for block := range v.Blocks() {
		j.progress(what, block, v.Blocks())
		if err := r.Block(block, yield); err != nil {
			return err
		}
	}
	return nil
}

// over returns the last local day that was over everywhere at the end of an app day.
func (j *job) over(day propensity.Day) int32 {
	const behindSeconds, daySeconds = 12 * 3600, 86400 // of the clocks that are last
	return int32((((day + 1).Start(j.app.Zone())).Unix()-behindSeconds)/daySeconds) - 1
}

// end returns the moment up to which the store knows what happened, going by the days up to one, in seconds since 1970.
func (j *job) end(day propensity.Day) int64 {
	return (min(day, j.last) + 1).Start(j.app.Zone()).Unix()
}

// questions asks about CIDs as a service would. They are safe for concurrent use.
type questions struct {
	index map[int64]int // of a country's code in a model
}

// newQuestions returns what asks a model with these countries.
func (j *job) newQuestions(v *segments.View, countries []string) *questions {
	q := &questions{index: map[int64]int{}}
	for i, name := range countries {
		if code, found := v.AttributeCode(j.options.Source.CountryAttribute, name); found {
			q.index[code] = i
		}
	}
	return q
}

func (q *questions) about(p *rhythm.Person, s *rhythm.State, day int32) model.Question {
	const daySeconds = 86400
	country, found := q.index[p.Country]
	if !found {
		country = model.NoCountry
	}
	return model.Question{Day: day, Weekend: p.Rest.Has(day), OffsetMinutes: p.Offset(s, int64(day)*daySeconds), Zoned: p.Zoned(s), Country: country}
}

// history converts a state to what a model knows it as.
func history(s *rhythm.State) *model.History { return (*model.History)(s) }

// cids returns the CIDs of persons as text.
func cids(v *segments.View, persons []rhythm.Person) []string {
	ordinals := make([]uint32, len(persons))
	for i := range persons {
		ordinals[i] = persons[i].Ordinal
	}
	var read batch.CIDs
	v.ReadCIDs(&read, ordinals)
	texts := make([]string, len(persons))
	for i := range texts {
		texts[i] = read.At(i)
	}
	return texts
}

// lot draws a number from a CID, the same in every store: its bits look random.
func lot(cid string) uint64 {
	const offset, prime = 0xcbf29ce484222325, 0x100000001b3 // FNV-1a
	h := uint64(offset)
	for i := range len(cid) {
		h = (h ^ uint64(cid[i])) * prime
	}
	return mix(h)
}

// mix is the finaliser of SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014), a bijection whose bits look random.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// drawn says whether a lot is within a rate.
func drawn(lot uint64, rate float64) bool { return rate >= 1 || float64(lot>>11)*0x1p-53 < rate }
