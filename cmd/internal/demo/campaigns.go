package demo

import "fmt"

// campaign is one message to part of the people, in two wordings.
type campaign struct {
	id       string
	copies   [2]string // by arm
	category int
	day      int // of the window
	hour     int // of the local day, or of UTC when atOnce
	atOnce   bool
	share    float64 // of those who can be messaged
}

func arms() [2]string { return [2]string{"a", "b"} }

// campaigns come every three or four days, about one category each. Odd ones go to
// everybody at once, even ones at an hour of the local day.
func campaigns(days int, categories []string) []campaign {
	wordings := [][2]string{
		{"New %s in store", "Fresh %s, picked for you"},
		{"%s: 20%% off until tonight", "Last chance: save on %s today"},
		{"Your %s are waiting", "Still thinking about %s?"},
		{"Free delivery on all %s", "We bring your %s for free this week"},
	}
	var all []campaign
	for day := 2; day < days; day += 3 + len(all)%2 {
		i := len(all)
		c := campaign{
			id:       fmt.Sprintf("c%02d", i+1),
			category: (i * 7) % len(categories),
			day:      day,
			hour:     []int{8, 12, 16, 20, 10}[i%5],
			atOnce:   i%2 == 1,
			share:    0.08 + 0.03*float64(i%5),
		}
		for arm, text := range wordings[i%len(wordings)] {
			c.copies[arm] = fmt.Sprintf(text, categories[c.category])
		}
		all = append(all, c)
	}
	return all
}
