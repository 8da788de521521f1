package metrics

import (
	"fmt"
	"math"
	"strings"
)

// FormatDifferences writes differences with as many digits after the point, four or more, as tell each of them from 0. What is nearer than a thousand-millionth
// is 0, which has no sign.
func FormatDifferences(all ...float64) []string {
	const least, most = 4, 9
	digits := least
	for _, v := range all {
		for digits < most && math.Abs(v) >= 0.5e-9 && math.Abs(v) < 0.5*math.Pow10(-digits) {
			digits++
		}
	}
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = fmt.Sprintf("%.*f", digits, v)
		if strings.Trim(texts[i], "-0.") == "" {
			texts[i] = strings.TrimPrefix(texts[i], "-")
		}
	}
	return texts
}
