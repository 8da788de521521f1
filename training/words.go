package training

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/training/report"
)

// columnWords says what a column holds, for people.
func columnWords(c features.Column) string {
	w := wordsOf(c)
	name := w.one
	switch c.Family {
	case features.Recency:
		return "days since " + w.theLast
	case features.Count:
		return "number of " + w.many + inWindow(c)
	case features.Days:
		return "days with " + name + inWindow(c)
	case features.Sum:
		return fmt.Sprintf("sum of %s of %s%s", c.Property, name, inWindow(c))
	case features.Trend:
		return fmt.Sprintf("pace of %s in %d days against %d", w.many, c.WindowDays, c.LongDays)
	case features.Gap:
		return fmt.Sprintf("time since %s against the usual gap%s", w.theLast, inWindow(c))
	case features.Pace:
		return fmt.Sprintf("%s per 30 days since the first%s", w.many, inWindow(c))
	case features.Flow:
		return fmt.Sprintf("%s of %s per 30 days since the first%s", c.Property, name, inWindow(c))
	case features.Habit:
		return fmt.Sprintf("share of spans of %s with %s%s", dayWords(strconv.Itoa(c.SpanDays)), name, inWindow(c))
	case features.Chance:
		return fmt.Sprintf("chance of %s within %s, by its days alone%s", name, dayWords(strconv.Itoa(c.SpanDays)), inWindow(c))
	case features.Popularity:
		return fmt.Sprintf("how popular the %s of their %s is with everybody in the last %s%s", c.Property, name, dayWords(strconv.Itoa(c.SpanDays)), inWindow(c))
	case features.Typical:
		return fmt.Sprintf("typical %s of %s%s", c.Property, name, inWindow(c))
	case features.Tenure:
		return "days since first heard of"
	case features.Weekend:
		return fmt.Sprintf("share of %s at weekends%s", w.many, inWindow(c))
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

// nameWords are what a column is of, as sentences need it.
type nameWords struct{ one, many, last, theLast, none string }

func wordsOf(c features.Column) nameWords {
	if c.Anything {
		return nameWords{one: "anything", many: "events of any kind", last: "anything", theLast: "anything", none: "nothing"}
	}
	name := value.Quote(c.Name)
	return nameWords{one: name, many: name, last: "last " + name, theLast: "the last " + name, none: "no " + name}
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
	w := wordsOf(c)
	switch c.Family {
	case features.Recency, features.Weekend, features.Night, features.Habit, features.Chance:
		return fmt.Sprintf("%s at all%s, against the average", w.none, inWindow(c))
	case features.Popularity:
		return fmt.Sprintf("%s with a %s%s, against the average popularity", w.none, c.Property, inWindow(c))
	case features.Typical:
		return fmt.Sprintf("no number as %s of %s%s, against the average", c.Property, w.one, inWindow(c))
	case features.Trend:
		return fmt.Sprintf("%s in the last %d days, against the average pace", w.none, c.LongDays)
	case features.Gap:
		return fmt.Sprintf("fewer than two days with %s%s, against the average", w.one, inWindow(c))
	case features.Rate:
		return fmt.Sprintf("no %s%s, against the average rate", value.Quote(c.Per), inWindow(c))
	}
	return columnWords(c) + " is not known, against the average"
}

func numberWords(c features.Column, e models.Effect) string {
	w, from, to := wordsOf(c), number(e.From), number(e.To)
	more, change := number(math.Abs(e.To-e.From)), fmt.Sprintf("%s instead of %s", to, from)
	switch c.Family {
	case features.Recency:
		return fmt.Sprintf("%s %s longer ago (%s)", w.last, dayWords(more), change)
	case features.Count:
		return fmt.Sprintf("%s %s more%s (%s)", more, w.many, inWindow(c), change)
	case features.Days:
		return fmt.Sprintf("%s on %s more%s (%s)", w.one, dayWords(more), inWindow(c), change)
	case features.Sum:
		return fmt.Sprintf("%s higher by %s (%s)", columnWords(c), more, change)
	case features.Tenure:
		return fmt.Sprintf("first heard of %s earlier (%s)", dayWords(more), change)
	case features.Tag:
		return "bears the " + columnWords(c)
	case features.Weekend, features.Night, features.Habit, features.Chance:
		return fmt.Sprintf("%s: %s instead of %s", columnWords(c), report.Share(e.To), report.Share(e.From))
	}
	return columnWords(c) + ": " + change
}

func dayWords(n string) string {
	if n == "1" {
		return "1 day"
	}
	return n + " days"
}

// number is v with three digits that count, or all those before the point up to a million, and the thousands apart. What is very large or very small
// has a power of ten.
func number(v float64) string {
	switch size := math.Abs(v); {
	case v == 0:
		return "0"
	case size >= 1e15 || size < 1e-4:
		return trimmed(strconv.FormatFloat(v, 'e', 2, 64))
	case size >= 1e6:
		unit := math.Pow10(int(math.Floor(math.Log10(size))) - 2)
		return apart(strconv.FormatFloat(math.Round(v/unit)*unit, 'f', 0, 64))
	default:
		digits := max(0, 2-int(math.Floor(math.Log10(size))))
		return apart(trimmed(strconv.FormatFloat(v, 'f', digits, 64)))
	}
}

// trimmed leaves out zeros after the point that say nothing, and those of an exponent.
func trimmed(text string) string {
	mantissa, exponent, scientific := strings.Cut(text, "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimSuffix(strings.TrimRight(mantissa, "0"), ".")
	}
	if !scientific {
		return mantissa
	}
	sign := strings.TrimSuffix(exponent[:1], "+")
	return mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0")
}

// apart puts a narrow blank that does not break between thousands, where there are ten of them or more.
func apart(text string) string {
	whole, fraction, point := strings.Cut(text, ".")
	whole, negative := strings.CutPrefix(whole, "-")
	if len(whole) > 4 {
		for at := len(whole) - 3; at > 0; at -= 3 {
			whole = whole[:at] + "\u202f" + whole[at:]
		}
	}
	if negative {
		whole = "-" + whole
	}
	if point {
		return whole + "." + fraction
	}
	return whole
}
