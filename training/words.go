package training

import (
	"fmt"
	"math"
	"strconv"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments/value"
)

// columnWords says what a column holds, for people.
func columnWords(c features.Column) string {
	name := value.Quote(c.Name)
	switch c.Family {
	case features.Recency:
		return "days since the last " + name
	case features.Count:
		return "number of " + name + inWindow(c)
	case features.Days:
		return "days with " + name + inWindow(c)
	case features.Sum:
		return fmt.Sprintf("sum of %s of %s%s", c.Property, name, inWindow(c))
	case features.Trend:
		return fmt.Sprintf("pace of %s in %d days against %d", name, c.WindowDays, c.LongDays)
	case features.Gap:
		return fmt.Sprintf("time since the last %s against the usual gap%s", name, inWindow(c))
	case features.Pace:
		return fmt.Sprintf("%s per 30 days since the first%s", name, inWindow(c))
	case features.Flow:
		return fmt.Sprintf("%s of %s per 30 days since the first%s", c.Property, name, inWindow(c))
	case features.Habit:
		return fmt.Sprintf("share of spans of %s with %s%s", dayWords(strconv.Itoa(c.SpanDays)), name, inWindow(c))
	case features.Chance:
		return fmt.Sprintf("chance of %s within %s, by its days alone%s", name, dayWords(strconv.Itoa(c.SpanDays)), inWindow(c))
	case features.Popularity:
		return fmt.Sprintf("how popular the %s of their %s is with everybody in the last %s%s", c.Property, name, dayWords(strconv.Itoa(c.SpanDays)), inWindow(c))
	case features.Tenure:
		return "days since first heard of"
	case features.Weekend:
		return fmt.Sprintf("share of %s at weekends%s", name, inWindow(c))
	case features.Night:
		return fmt.Sprintf("share of %s by night%s", name, inWindow(c))
	case features.Rate:
		return fmt.Sprintf("%s per %s%s", name, value.Quote(c.Per), inWindow(c))
	case features.Tag:
		return "tag " + name
	case features.Attribute:
		return "attribute " + name
	}
	return c.String()
}

func inWindow(c features.Column) string {
	switch {
	case c.Scaled:
		return fmt.Sprintf(" per %s of data", dayWords(strconv.Itoa(c.WindowDays)))
	case c.WindowDays == 0:
		return ""
	case c.WindowDays == 1:
		return " on the last day"
	}
	return fmt.Sprintf(" in the last %d days", c.WindowDays)
}

// effectWords says in what two CIDs differ whose odds an effect compares.
func effectWords(c features.Column, e models.Effect) string {
	switch e.Kind {
	case models.EffectLevel:
		return fmt.Sprintf("%s is %s and not %s", columnWords(c), value.Quote(e.Level), value.Quote(e.Against))
	case models.EffectOther:
		return fmt.Sprintf("%s is a rare value and not %s", columnWords(c), value.Quote(e.Against))
	case models.EffectMissing:
		return missingWords(c)
	}
	return numberWords(c, e)
}

// missingWords says what it means that a column has no value.
func missingWords(c features.Column) string {
	name := value.Quote(c.Name)
	switch c.Family {
	case features.Recency, features.Weekend, features.Night, features.Habit, features.Chance:
		return fmt.Sprintf("no %s at all%s, against the average", name, inWindow(c))
	case features.Popularity:
		return fmt.Sprintf("no %s with a %s%s, against the average popularity", name, c.Property, inWindow(c))
	case features.Trend:
		return fmt.Sprintf("no %s in the last %d days, against the average pace", name, c.LongDays)
	case features.Gap:
		return fmt.Sprintf("fewer than two days with %s%s, against the average", name, inWindow(c))
	case features.Rate:
		return fmt.Sprintf("no %s%s, against the average rate", value.Quote(c.Per), inWindow(c))
	}
	return columnWords(c) + " is not known, against the average"
}

func numberWords(c features.Column, e models.Effect) string {
	name, from, to := value.Quote(c.Name), number(e.From), number(e.To)
	more, change := number(math.Abs(e.To-e.From)), fmt.Sprintf("%s instead of %s", to, from)
	switch c.Family {
	case features.Recency:
		return fmt.Sprintf("last %s %s longer ago (%s)", name, dayWords(more), change)
	case features.Count:
		return fmt.Sprintf("%s %s more%s (%s)", more, name, inWindow(c), change)
	case features.Days:
		return fmt.Sprintf("%s on %s more%s (%s)", name, dayWords(more), inWindow(c), change)
	case features.Sum:
		return fmt.Sprintf("%s higher by %s (%s)", columnWords(c), more, change)
	case features.Tenure:
		return fmt.Sprintf("first heard of %s earlier (%s)", dayWords(more), change)
	case features.Tag:
		return "bears the " + columnWords(c)
	case features.Weekend, features.Night, features.Habit, features.Chance:
		return fmt.Sprintf("%s: %s %% instead of %s %%", columnWords(c), number(100*e.To), number(100*e.From))
	}
	return columnWords(c) + ": " + change
}

func dayWords(n string) string {
	if n == "1" {
		return "1 day"
	}
	return n + " days"
}

// number is v with three digits that count, in plain figures.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', min(digits, 6), 64), 64)
	if err != nil {
		return "0"
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
