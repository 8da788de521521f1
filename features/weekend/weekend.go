// Package weekend tells on which days of the week people do not work.
package weekend

import "strings"

// Days is a set of the days of the week: bit 0 is Sunday. The zero value stands for Saturday and Sunday.
type Days uint8

// The weekends there are.
const (
	sunday, thursday, friday, saturday = 1 << 0, 1 << 4, 1 << 5, 1 << 6

	usual          Days = saturday | sunday
	fridaySaturday Days = friday | saturday
	onlyFriday     Days = friday
	thursdayFriday Days = thursday | friday
)

// Of returns the weekend of a country, ISO 3166-1 alpha-2 in any case and with or without a subdivision behind it; Saturday and Sunday for what is
// none. These are the weekends of the Unicode Common Locale Data Repository, and that of Bangladesh; of India, for which that has Sunday alone, Saturday is taken to
// be free as well.
func Of(country string) Days {
	country, _, _ = strings.Cut(country, "-")
	if len(country) != 2 {
		return usual
	}
	switch strings.ToUpper(country) {
	case "BD", "BH", "DZ", "EG", "IL", "IQ", "JO", "KW", "LY", "OM", "QA", "SA", "SD", "SY", "YE":
		return fridaySaturday
	case "IR":
		return onlyFriday
	case "AF":
		return thursdayFriday
	}
	return usual
}

// Has says whether a day, in days since 1970-01-01, is one of them.
func (d Days) Has(day int32) bool {
	if d == 0 {
		d = usual
	}
	const thursdayFirst = 4 // 1970-01-01 was a Thursday
	return d>>(((int64(day)+thursdayFirst)%7+7)%7)&1 != 0
}
