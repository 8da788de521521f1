package sendtime

import (
	"context"
	"fmt"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/features/rhythm"
	model "whowhen.dev/whowhen/models/sendtime"
)

// appendMessageSamples appends messages, each with what was known before its local day.
func appendMessageSamples(to []model.MessageSample, ask *questions, p *rhythm.Person, messages []rhythm.Message) []model.MessageSample {
	cursor := p.Cursor()
	for _, m := range messages {
		s := cursor.Before(m.Day())
		to = append(to, model.MessageSample{History: *history(s), Question: ask.about(p, s, m.Day()), Hour: m.Hour(), Answered: m.Answered})
	}
	return to
}

// teller is a way to tell whether a message is answered.
type teller int

const (
	byClicks teller = iota // the click model
	byHabit                // habit through the delays, on the line that earlier messages showed
	byBase                 // the share of earlier messages that were answered
	tellers
)

// messageTrial judges a click model by later messages. It is safe for concurrent use.
type messageTrial struct {
	clicks     *model.Model
	habit      model.Model // the same without its click model
	line       model.Line
	endSeconds int64
	rate       float64 // of the CIDs judged
}

// messageGuess is a judged message: how likely it was answered by all ways to tell.
type messageGuess struct {
	hour     int
	answered bool
	told     [tellers]float64
}

// mostMessagesJudged bounds, about, the messages read to judge a click model by.
const mostMessagesJudged = 500_000

// newMessageTrial returns nil where no click model was learnt.
func (j *job) newMessageTrial(ctx context.Context, l *learnt) (*messageTrial, error) {
	if !l.model.Clicks() {
		return nil, nil
	}
	t := &messageTrial{clicks: l.model, habit: *l.model, line: l.line, endSeconds: j.end(propensity.Day(j.now.Day()) - 1)}
	t.habit.Click = nil
	catalog, err := j.now.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	total := 0.0
	for _, name := range j.options.Source.Received {
		for _, e := range catalog.Events {
			if e.Name == name {
				total += float64(e.Count)
			}
		}
	}
	t.rate = mostMessagesJudged / max(total, 1)
	return t, nil
}

// judge tells the messages of a person from a local day on.
func (t *messageTrial) judge(ask *questions, who *rhythm.Person, from int32) (guesses []messageGuess) {
	cursor := who.Cursor()
	var a model.Answer
	var out [model.Hours]float64
	for _, m := range rhythm.AppendMessages(nil, who.Events, t.endSeconds) {
		if m.Day() < from {
			continue
		}
		s := cursor.Before(m.Day())
		q := ask.about(who, s, m.Day())
		g := messageGuess{hour: m.Hour(), answered: m.Answered}
		g.told[byBase] = t.clicks.Click.Mean
		t.clicks.Predict(history(s), &q, &a)
		t.habit.Engagement(history(s), &q, &a, &out)
		g.told[byHabit] = t.line.Probability(out[g.hour])
		t.clicks.Engagement(history(s), &q, &a, &out)
		g.told[byClicks] = out[g.hour]
		guesses = append(guesses, g)
	}
	return guesses
}

// judgedMessages adds up messages. The outcomes of a tally are, in losses, those of the tellers, and in better those of the first less those of the others.
type judgedMessages struct {
	losses tally
	better tally
	told   bins
	hours  [model.Hours]struct {
		count, answered float64
		told            [tellers]float64
	}
	answered int
}

func (j *judgedMessages) take(guesses []messageGuess) {
	var losses, better personSum
	for _, g := range guesses {
		var loss, less outcome
		hour := &j.hours[g.hour]
		hour.count++
		for by, p := range g.told {
			loss[by] = lossOf(p, g.answered)
			less[by] = loss[byClicks] - loss[by]
			hour.told[by] += p
		}
		if g.answered {
			hour.answered++
			j.answered++
		}
		losses.add(loss)
		better.add(less)
		j.told.add(g.told[byClicks], g.answered, min(int(g.told[byClicks]*2*calibrationBins), calibrationBins-1))
	}
	j.losses.take(&losses)
	j.better.take(&better)
}

// Messages say how well it is told whether a message is answered within a day, on the days judged, and which model is to speak for that reason.
type Messages struct {
	// Learnt messages, of which LearntAnswered were answered, were learnt from: a sample by CID of those before the days judged.
	Learnt         int `json:"learnt"`
	LearntAnswered int `json:"learnt_answered"`
	// Count messages of CIDs, Answered of them answered, were judged, again a sample by CID. Without a click model it is 0, and so are the figures.
	Count    int `json:"count"`
	CIDs     int `json:"cids"`
	Answered int `json:"answered"`
	// The log losses of the click model; of habit through the delays of answers, on the line that fitted the messages learnt from best; and of telling their share of
	// answers each time.
	LogLoss         float64  `json:"log_loss"`
	LogLossInterval Interval `json:"log_loss_interval"`
	HabitLogLoss    float64  `json:"habit_log_loss"`
	BaseLogLoss     float64  `json:"base_log_loss"`
	// What the click model has less than the others; below 0 it is better. Intervals are of the difference for the same messages.
	LessThanHabit         float64  `json:"less_than_habit"`
	LessThanHabitInterval Interval `json:"less_than_habit_interval"`
	LessThanBase          float64  `json:"less_than_base"`
	LessThanBaseInterval  Interval `json:"less_than_base_interval"`
	// ClicksSpeak says that the click model is surely better than habit, so that answers go by it; Why says so in words.
	ClicksSpeak bool   `json:"clicks_speak"`
	Why         string `json:"why"`

	Calibration      []Bin   `json:"calibration"`
	CalibrationError float64 `json:"calibration_error"`
	// Hours tell, by the local hour of sending, what came of the messages judged.
	Hours []MessageHour `json:"hours"`
	// Delay has the part of the answered messages that still waited after 0 to 24 hours, as learnt.
	Delay model.Delay `json:"delay"`
}

// MessageHour tells what came of the messages sent in a local hour, and what had been told of them.
type MessageHour struct {
	Hour      int     `json:"hour"`
	Count     int     `json:"count"`
	Answered  float64 `json:"answered"` // share
	Predicted float64 `json:"predicted"`
	ByHabit   float64 `json:"by_habit"`
}

func (j *judgedMessages) report(l *learnt) Messages {
	m := Messages{Learnt: l.messages, LearntAnswered: l.answered, Delay: l.model.Delay, Count: int(j.losses.days), CIDs: int(j.losses.cids), Answered: j.answered,
		LogLoss: j.losses.mean(int(byClicks)), LogLossInterval: j.losses.interval(int(byClicks)),
		HabitLogLoss: j.losses.mean(int(byHabit)), BaseLogLoss: j.losses.mean(int(byBase)),
		LessThanHabit: j.better.mean(int(byHabit)), LessThanHabitInterval: j.better.interval(int(byHabit)),
		LessThanBase: j.better.mean(int(byBase)), LessThanBaseInterval: j.better.interval(int(byBase))}
	m.Calibration, m.CalibrationError = j.told.list()
	for h := range j.hours {
		if b := &j.hours[h]; b.count > 0 {
			m.Hours = append(m.Hours, MessageHour{h, int(b.count), b.answered / b.count, b.told[byClicks] / b.count, b.told[byHabit] / b.count})
		}
	}
	m.ClicksSpeak, m.Why = m.verdict(l)
	return m
}

// verdict says whether the click model is to speak, and why.
func (m *Messages) verdict(l *learnt) (speaks bool, why string) {
	const leastCount, leastCIDs = 100, 30 // of fewer, an interval says little
	low, high := m.LessThanHabitInterval[0], m.LessThanHabitInterval[1]
	better := fmt.Sprintf("by %.5f in log loss (95 %%: %.5f to %.5f)", -m.LessThanHabit, -high, -low)
	worse := fmt.Sprintf("by %.5f in log loss (95 %%: %.5f to %.5f)", m.LessThanHabit, low, high)
	switch {
	case l.unfit != "":
		return false, "habit speaks: a click model could not be fitted, as " + l.unfit
	case !l.model.Clicks():
		return false, fmt.Sprintf("habit speaks: of %s messages learnt from %s were answered, and a click model takes 500, with 100 answered and 100 not", count(m.Learnt), count(m.LearntAnswered))
	case m.Count < leastCount || m.CIDs < leastCIDs:
		return false, fmt.Sprintf("habit speaks: there are only %s later messages of %s CIDs to judge the click model by", count(m.Count), count(m.CIDs))
	case high < 0:
		return true, "the click model speaks: on later messages it is surely better than habit, " + better
	case low > 0:
		return false, "habit speaks: on later messages the click model is surely worse than habit, " + worse
	case m.LessThanHabit > 0:
		return false, "habit speaks: on later messages the click model is worse than habit, though not surely, " + worse
	}
	return false, "habit speaks: on later messages the click model is not surely better than habit, " + better
}

// silence has habit speak although the click model was better, because the one for all days could not be fitted.
func (m *Messages) silence(l *learnt) {
	why := l.unfit
	if why == "" {
		why = "too few messages of either outcome were drawn"
	}
	m.ClicksSpeak, m.Why = false, "habit speaks: the click model that was judged is surely better, but it could not be fitted to all days, as "+why
}

// metrics adds the figures that an artifact carries.
func (m *Messages) metrics(to map[string]float64) {
	to["messages"], to["messages_answered"] = float64(m.Count), float64(m.Answered)
	if m.Count == 0 {
		return
	}
	to["message_log_loss"], to["message_habit_log_loss"], to["message_base_log_loss"] = m.LogLoss, m.HabitLogLoss, m.BaseLogLoss
	to["message_less_than_habit"], to["message_calibration_error"] = m.LessThanHabit, m.CalibrationError
	if m.ClicksSpeak {
		to["clicks_speak"] = 1
	}
}
