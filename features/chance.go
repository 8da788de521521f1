package features

import "math"

// The constants of Chance are of people whose days come weeks or months apart, where few days are known; of many days they matter little.
const (
	rateShape  = 1.0   // r
	rateDays   = 100.0 // α
	quitShape  = 0.3   // a
	staysShape = 3.0   // b
)

// chances computes Chance. It remembers logarithms of whole numbers of days, of which there are few.
type chances struct{ logs [4096]float64 }

// log is that of α + days.
func (c *chances) log(days int) float64 {
	if uint(days) >= uint(len(c.logs)) {
		return math.Log(rateDays + float64(days))
	}
	if c.logs[days] == 0 {
		c.logs[days] = math.Log(rateDays + float64(days))
	}
	return c.logs[days]
}

// of is the chance of a day with the event within ahead days, of somebody who has had it on further days after the first, the last of them
// so many days after it, when known for so many days.
func (c *chances) of(further uint32, last, known int32, ahead int) float32 {
	x := float64(further)
	quit := 0.0 // odds of having given up
	if further > 0 {
		quit = quitShape / (staysShape + x - 1) * math.Exp((rateShape+x)*(c.log(int(known))-c.log(int(last))))
	}
	none := math.Exp((rateShape + x) * (c.log(int(known)) - c.log(int(known)+ahead)))
	return float32((1 - none) / (1 + quit))
}
