package weekend_test

import (
	"testing"
	"time"

	"whowhen.dev/whowhen/features/weekend"
)

func TestWeekends(t *testing.T) {
	for country, want := range map[string][]time.Weekday{
		"DE": {time.Saturday, time.Sunday}, "AE": {time.Saturday, time.Sunday}, "": {time.Saturday, time.Sunday}, "Saudi Arabia": {time.Saturday, time.Sunday},
		"SA": {time.Friday, time.Saturday}, "sa": {time.Friday, time.Saturday}, "SA-01": {time.Friday, time.Saturday}, "IL": {time.Friday, time.Saturday},
		"IR": {time.Friday}, "AF": {time.Thursday, time.Friday},
	} {
		days := weekend.Of(country)
		for day := int32(-20_000); day < 30_000; day += 13 {
			weekday := time.Unix(int64(day)*86400, 0).UTC().Weekday()
			is := false
			for _, w := range want {
				is = is || w == weekday
			}
			if days.Has(day) != is {
				t.Fatalf("%s: a %s is a day of the weekend: %v", country, weekday, !is)
			}
		}
	}
	if !weekend.Days(0).Has(2) || weekend.Days(0).Has(4) {
		t.Error("the zero value is not Saturday and Sunday")
	}
}
