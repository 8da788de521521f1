package serve

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/features/rhythm"
	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/serve/hours"
)

// load reads what the best hours in the store were made with. Where there are none, an assumed curve answers, and somebody wants there to be some.
func (s sendTimeService) load(p *sendPlan, app *segments.App) {
	p.model = &whowhenv1.SendModel{Kind: "PRIOR"}
	published := publishedHours(p.view)
	if published == nil || published.Version == untrainedVersion {
		s.server.scores.want(app.Name())
	}
	if published != nil {
		p.known, p.model = true, &whowhenv1.SendModel{Kind: "HABIT", Version: published.Version, AsOf: timestamppb.New(published.AsOf)}
		if published.Version == untrainedVersion {
			p.model.Version = ""
		}
		// Of a version that is gone or damaged the best hours are there all the same.
		if m := s.rhythmOf(app, published); m != nil {
			p.predictor, p.nobody, p.countries = m.Model, m.everyone, m.countries
			p.zone, p.country = cmp.Or(m.source.ZoneAttribute, p.zone), cmp.Or(m.source.CountryAttribute, p.country) // the hours are by the clocks that it says
			if m.Clicks() {
				p.model.Kind = "CLICK"
			}
		}
	}
	if p.predictor == nil {
		p.predictor = sendtime.Untrained(sendtime.NewCurveSums(nil).Curves())
		p.nobody = restOf(p.predictor, 0, false, sendtime.NoCountry)
	}
	p.others = p.nobody.others()
}

// publishedHours describes the best hours in the store; nil when there are none, or not all that belong together.
func publishedHours(v *segments.View) (published *segments.PublishedScores) {
	all := v.Scores()
	for c := range hours.Columns {
		i := slices.IndexFunc(all, func(s segments.ScoreStatus) bool { return s.Name == hoursColumn(c) && s.Published != nil })
		if i < 0 || c > 0 && all[i].Published.Generation != published.Generation {
			return nil
		}
		published = all[i].Published
	}
	return published
}

// hoursInStore returns the names of all columns of best hours that an app has.
func hoursInStore(ctx context.Context, app *segments.App) (names []string, err error) {
	view, err := app.View(ctx, segments.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer view.Close()
	for _, s := range view.Scores() {
		if strings.HasPrefix(s.Name, hoursPrefix) {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// hoursGeneration is generationOf for the columns of best hours, which all have the same.
func hoursGeneration(v *segments.View, identity string) (generation uint64, from uint32) {
	for c := range hours.Columns {
		g, f := generationOf(v, hoursColumn(c), identity)
		switch {
		case c == 0:
			generation, from = g, f
		case g != generation:
			generation, from = max(g, generation), 0
		default:
			from = min(from, f)
		}
	}
	return generation, from
}

// keptRhythm is the model that an app's best hours were made with, nil if it could not be read at a time.
type keptRhythm struct {
	identity string
	model    *rhythmModel
	at       time.Time
}

// rhythmOf returns the version that best hours were made with, nil when it is gone or damaged. It reads a file once for each app and version; one that
// cannot be read, once a minute.
func (s sendTimeService) rhythmOf(app *segments.App, published *segments.PublishedScores) *rhythmModel {
	now := s.server.clock()
	if v, ok := s.rhythms.Load(app.Name()); ok {
		if kept := v.(*keptRhythm); kept.identity == published.Definition && (kept.model != nil || now.Sub(kept.at) < time.Minute) {
			return kept.model
		}
	}
	m, err := madeWith(modelDir(app), published)
	if err != nil || m.identity != published.Definition {
		s.server.logger.Error("the send-time model that the best hours were made with cannot be read; they are used without it", "app", app.Name(), "version", versionName(published.Version), "error", fmt.Sprint(err))
		m = nil
	}
	s.rhythms.Store(app.Name(), &keptRhythm{published.Definition, m, now})
	return m
}

// staging are the chunks of a shard of best hours.
type staging struct {
	chunk [hours.Columns]batch.ScoreChunk
}

// shard computes the best hours of a shard.
func (m *rhythmModel) shard(ctx context.Context, view *segments.View, zone *time.Location, first uint32, ordinals int, rest func(context.Context) error) (*staging, error) {
	s := &staging{}
	for c := range s.chunk {
		s.chunk[c] = batch.ScoreChunk{First: first, Ordinals: ordinals, Present: make([]uint64, (ordinals+63)/64)}
	}
	r := rhythm.NewReader(ctx, view, zone, m.source)
	defer r.Close()
	for block := int(first) / segments.BlockCIDs; block*segments.BlockCIDs < int(first)+ordinals; block++ {
		err := r.Block(block, func(persons []rhythm.Person) error {
			for i := range persons {
				at := persons[i].Ordinal - first
				best := m.best(view, &persons[i])
				for c, code := range best.Encode() {
					s.chunk[c].Present[at/64] |= 1 << (at % 64)
					s.chunk[c].Codes = append(s.chunk[c].Codes, code)
				}
			}
			return ctx.Err()
		})
		if err == nil && rest != nil {
			err = rest(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// best asks the model about the next weekday and the next day of the weekend of a CID.
func (m *rhythmModel) best(view *segments.View, p *rhythm.Person) hours.Hours {
	const farAhead = 1 << 30 // after every event
	cursor := p.Cursor()
	state := cursor.Before(farAhead)
	best := hours.Hours{ActiveDays: state.ActiveDays()}
	if asOf := view.AsOf().Unix() / secondsPerHour; state.Seen && asOf-state.LastSeconds/secondsPerHour < hours.MaxSeenHours {
		best.Seen, best.OffsetMinutes, best.SeenHour = true, int(state.OffsetMinutes), state.LastSeconds/secondsPerHour
	}
	tomorrow := view.Day() + 1
	question := sendtime.Question{OffsetMinutes: p.Offset(state, view.AsOf().Unix()), Zoned: p.Zoned(state), Country: m.country(view, p.Country)}
	history := (*sendtime.History)(state)
	var answer sendtime.Answer
	var engagement [sendtime.Hours]float64
	for class := range best.Day {
		question.Weekend = class == 1
		for question.Day = tomorrow; p.Rest.Has(question.Day) != question.Weekend; {
			question.Day++
		}
		question.Ahead = question.Day > tomorrow
		m.Predict(history, &question, &answer)
		m.Engagement(history, &question, &answer, &engagement)
		best.Day[class] = dayOf(&answer, &engagement, &m.everyone.activity[class])
		best.Level = max(best.Level, uint8(answer.Level))
	}
	return best
}

// dayOf are the hours in which to send, those of the greatest engagement, with how active the CID is then; and in the others beside everyone.
func dayOf(a *sendtime.Answer, engagement, everyone *[sendtime.Hours]float64) hours.Day {
	var order [sendtime.Hours]int
	for h := range order {
		order[h] = h
	}
	slices.SortStableFunc(order[:], func(x, y int) int { return cmp.Compare(engagement[y], engagement[x]) })
	day := hours.Day{Active: a.Active}
	for i := range day.Best {
		day.Best[i] = hours.Hour{Hour: order[i], Engagement: engagement[order[i]], Activity: a.Active * a.Hour[order[i]]}
	}
	own, theirs := 0.0, 0.0
	for _, h := range order[hours.Best:] {
		own, theirs = own+a.Active*a.Hour[h], theirs+everyone[h]
	}
	day.Others = own / max(theirs, math.SmallestNonzeroFloat64)
	return day
}
