package features

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"whowhen.dev/whowhen/segments"
)

// Property is a numeric property with what it is taken for.
type Property struct {
	Event, Name string
	// Amount says that the values are amounts, whose sum means something; others are codes, such as ids.
	Amount bool
	Why    string // a sentence part for people
}

// Words at the end of a name that tell what it is.
var (
	amountWords = []string{
		"amount", "price", "revenue", "value", "total", "subtotal", "cost", "sum", "paid", "spend", "spent", "fee", "tax", "discount", "disc", "refund",
		"quantity", "qty", "units", "items", "points", "minutes", "seconds", "hours", "duration", "bytes", "distance", "score", "balance", "profit", "margin",
	}
	codeWords = []string{
		"id", "ids", "key", "code", "no", "nr", "num", "number", "sku", "upc", "ean", "isbn", "uuid", "guid", "hash", "ref", "zip", "postcode", "phone",
		"index", "position", "rank", "slot", "version", "type", "status", "level", "lat", "lon", "lng", "latitude", "longitude",
		"second", "minute", "hour", "day", "week", "weekday", "month", "quarter", "year", "date", "time", "timestamp", "age",
	}
	// What tells when something was, and not what.
	timeWords = codeWords[slices.Index(codeWords, "second"):]
)

// judge tells amounts from codes by declaration, by name and by the look of the numbers, in this order.
func judge(event string, p segments.PropertySummary, o Options) Property {
	full := event + "." + p.Name
	is := func(amount bool, why string, args ...any) Property {
		return Property{event, p.Name, amount, fmt.Sprintf(why, args...)}
	}
	last := lastWord(p.Name)
	switch {
	case slices.Contains(o.Amounts, full):
		return is(true, "declared an amount")
	case slices.Contains(o.Codes, full):
		return is(false, "declared a code")
	case 100*p.Numbers < 95*p.Present:
		return is(false, "only %d of %d values are numbers", p.Numbers, p.Present)
	case p.Distinct == 1:
		return is(false, "every value is %g, so that the count says the same", p.Least)
	case slices.Contains(amountWords, last):
		return is(true, "the name ends in %q", last)
	case slices.Contains(codeWords, last):
		return is(false, "the name ends in %q", last)
	case p.Decimals > 0:
		return is(true, "the numbers have up to %d digits after the point", p.Decimals)
	}
	return judgeWhole(p, is)
}

// judgeWhole tells by the look of whole numbers: amounts repeat, are often round when they are large, and small ones are more common.
func judgeWhole(p segments.PropertySummary, is func(amount bool, why string, args ...any) Property) Property {
	const (
		enough     = 100     // numbers, to see that they hardly repeat
		large      = 100_000 // from which amounts are mostly round
		roundShare = 0.3     // of numbers without a pattern a tenth is
		skew       = 3
	)
	round := float64(p.Round) >= roundShare*float64(p.Numbers)
	switch {
	case !round && p.Numbers >= enough && p.Distinct > p.Numbers/2:
		return is(false, "%d of %d whole numbers are different, as ids are", p.Distinct, p.Numbers)
	case !round && max(p.Most, -p.Least) >= large && p.Distinct >= enough:
		return is(false, "the whole numbers go up to %.0f and few are round, as ids are", max(p.Most, -p.Least))
	case round:
		return is(true, "%d of %d whole numbers are multiples of ten", p.Round, p.Numbers)
	case (p.Median-p.Least)*skew > p.Most-p.Least:
		return is(false, "the whole numbers from %.0f to %.0f are spread evenly, as codes are", p.Least, p.Most)
	}
	return is(true, "the whole numbers repeat, and small ones are the most common")
}

// lastWord returns the last word of a name such as unit_price, unitPrice or UnitPrice, in lower case.
func lastWord(name string) string {
	name = strings.TrimRightFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	runes := []rune(name)
	start := len(runes)
	for start > 0 && unicode.IsLetter(runes[start-1]) {
		start--
		// A capital after a small letter begins a word; so does the last of several capitals that a small letter follows.
		if unicode.IsUpper(runes[start]) && start > 0 {
			afterSmall := unicode.IsLower(runes[start-1])
			beforeSmall := start+1 < len(runes) && unicode.IsLower(runes[start+1])
			if afterSmall || beforeSmall {
				break
			}
		}
	}
	return strings.ToLower(string(runes[start:]))
}
