package training

import (
	"testing"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
)

func TestEffectWords(t *testing.T) {
	for _, test := range []struct {
		column string
		effect models.Effect
		want   string
	}{
		{`days("open", within 30d)`, models.Effect{Kind: models.EffectNumber, From: 2, To: 12}, `"open" on 10 days more in the last 30 days (12 instead of 2)`},
		{`days("open", within 1d)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 1}, `"open" on 1 day more on the last day (1 instead of 0)`},
		{`count("open", per 365d since 2026-01-01)`, models.Effect{Kind: models.EffectNumber, From: 4, To: 6.5}, `2.5 "open" more per 365 days of data (6.5 instead of 4)`},
		{`days("open", per 365d since 2026-01-01)`, models.Effect{Kind: models.EffectNumber, From: 4, To: 5}, `"open" on 1 day more per 365 days of data (5 instead of 4)`},
		{`sum("purchase.amount", per 365d since 2026-01-01)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 10}, `sum of amount of "purchase" per 365 days of data higher by 10 (10 instead of 0)`},
		{`recency("open")`, models.Effect{Kind: models.EffectNumber, From: 3, To: 33}, `last "open" 30 days longer ago (33 instead of 3)`},
		{`recency("open")`, models.Effect{Kind: models.EffectMissing}, `no "open" at all, against the average`},
		{`count("a\"b", within 7d)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 3}, `3 "a\"b" more in the last 7 days (3 instead of 0)`},
		{`sum("purchase.amount", within 90d)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 123.456}, `sum of amount of "purchase" in the last 90 days higher by 123 (123 instead of 0)`},
		{`trend("open", 7d, 30d)`, models.Effect{Kind: models.EffectNumber, From: 0.5, To: 1.5}, `pace of "open" in 7 days against 30: 1.5 instead of 0.5`},
		{`trend("open", 7d, 30d)`, models.Effect{Kind: models.EffectMissing}, `no "open" in the last 30 days, against the average pace`},
		{`gap("open")`, models.Effect{Kind: models.EffectMissing}, `fewer than two days with "open", against the average`},
		{`tenure`, models.Effect{Kind: models.EffectNumber, From: 10, To: 110}, `first heard of 100 days earlier (110 instead of 10)`},
		{`night("open", within 90d)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 0.25}, `share of "open" by night in the last 90 days: 25.0 % instead of 0 %`},
		{`rate("push.clicked", "push.sent", within 30d)`, models.Effect{Kind: models.EffectNumber, From: 0.0123, To: 0.1}, `"push.clicked" per "push.sent" in the last 30 days: 0.1 instead of 0.0123`},
		{`flow("purchase.fee")`, models.Effect{Kind: models.EffectNumber, From: 1e-8, To: 3e-7}, `fee of "purchase" per 30 days since the first: 3e-7 instead of 1e-8`},
		{`pace("open", within 365d)`, models.Effect{Kind: models.EffectNumber, From: 1, To: 4}, `"open" per 30 days since the first in the last 365 days: 4 instead of 1`},
		{`flow("purchase.amount")`, models.Effect{Kind: models.EffectNumber, From: 10, To: 25}, `amount of "purchase" per 30 days since the first: 25 instead of 10`},
		{`habit("open", 14d, within 365d)`, models.Effect{Kind: models.EffectNumber, From: 0.25, To: 0.5}, `share of spans of 14 days with "open" in the last 365 days: 50.0 % instead of 25.0 %`},
		{`chance("open", 1d)`, models.Effect{Kind: models.EffectNumber, From: 0.1, To: 0.9}, `chance of "open" within 1 day, by its days alone: 90.0 % instead of 10.0 %`},
		{`rate("push.clicked", "push.sent", within 30d)`, models.Effect{Kind: models.EffectMissing}, `no "push.sent" in the last 30 days, against the average rate`},
		{`typical("purchase.Quantity", around 6, within 365d)`, models.Effect{Kind: models.EffectNumber, From: 3, To: 12.34}, `typical Quantity of "purchase" in the last 365 days: 12.3 instead of 3`},
		{`typical("purchase.Quantity", around 6, within 365d)`, models.Effect{Kind: models.EffectMissing}, `no number as Quantity of "purchase" in the last 365 days, against the average`},
		{`recency(anything)`, models.Effect{Kind: models.EffectNumber, From: 3, To: 33}, `anything 30 days longer ago (33 instead of 3)`},
		{`recency(anything, within 365d)`, models.Effect{Kind: models.EffectMissing}, `nothing at all in the last 365 days, against the average`},
		{`recency("anything")`, models.Effect{Kind: models.EffectMissing}, `no "anything" at all, against the average`},
		{`count(anything, within 30d)`, models.Effect{Kind: models.EffectNumber, From: 4, To: 29}, `25 events of any kind more in the last 30 days (29 instead of 4)`},
		{`days(anything, within 90d)`, models.Effect{Kind: models.EffectNumber, From: 1, To: 11}, `anything on 10 days more in the last 90 days (11 instead of 1)`},
		{`trend(anything, 7d, 30d)`, models.Effect{Kind: models.EffectNumber, From: 0.5, To: 1.5}, `pace of events of any kind in 7 days against 30: 1.5 instead of 0.5`},
		{`trend(anything, 7d, 30d)`, models.Effect{Kind: models.EffectMissing}, `nothing in the last 30 days, against the average pace`},
		{`gap(anything, within 365d)`, models.Effect{Kind: models.EffectNumber, From: 0, To: 2}, `time since anything against the usual gap in the last 365 days: 2 instead of 0`},
		{`gap(anything)`, models.Effect{Kind: models.EffectMissing}, `fewer than two days with anything, against the average`},
		{`pace(anything, within 365d)`, models.Effect{Kind: models.EffectNumber, From: 1, To: 4}, `events of any kind per 30 days since the first in the last 365 days: 4 instead of 1`},
		{`habit(anything, 14d, within 365d)`, models.Effect{Kind: models.EffectNumber, From: 0.25, To: 0.5}, `share of spans of 14 days with anything in the last 365 days: 50.0 % instead of 25.0 %`},
		{`chance(anything, 30d)`, models.Effect{Kind: models.EffectNumber, From: 0.1, To: 0.9}, `chance of anything within 30 days, by its days alone: 90.0 % instead of 10.0 %`},
		{`tag("vip")`, models.Effect{Kind: models.EffectNumber, From: 0, To: 1}, `bears the tag "vip"`},
		{`attr("country")`, models.Effect{Kind: models.EffectLevel, Level: "DE", Against: "GB"}, `attribute "country" is "DE" and not "GB"`},
		{`attr("country")`, models.Effect{Kind: models.EffectOther, Against: "GB"}, `attribute "country" is a rare value and not "GB"`},
		{`attr("age")`, models.Effect{Kind: models.EffectMissing}, `attribute "age" is not known, against the average`},
	} {
		c, err := features.Parse(test.column)
		if err != nil {
			t.Fatal(err)
		}
		if got := effectWords(c, test.effect); got != test.want {
			t.Errorf("%s: %q, want %q", test.column, got, test.want)
		}
	}
}

func TestColumnWords(t *testing.T) {
	for text, want := range map[string]string{
		`recency("open")`: `days since the last "open"`, `recency(anything)`: `days since anything`,
		`count("open", within 30d)`: `number of "open" in the last 30 days`, `count(anything, within 30d)`: `number of events of any kind in the last 30 days`,
		`count(anything, per 365d since 2026-01-01)`: `number of events of any kind per 365 days of data`, `days(anything, within 1d)`: `days with anything on the last day`,
		`typical("purchase", "net.amount", around -0.5)`: `typical net.amount of "purchase"`, `typical("purchase.Quantity", around 6, within 1d)`: `typical Quantity of "purchase" on the last day`,
		`weekend(anything, within 180d)`: `share of events of any kind at weekends in the last 180 days`, `weekend("open")`: `share of "open" at weekends`,
	} {
		c, err := features.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := columnWords(c); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1234.6: "1235", 9999.7: "10\u202f000", 54321: "54\u202f321", -54321.4: "-54\u202f321", -0.04567: "-0.0457", 12.345: "12.3", 0.0999999: "0.1", 0.00012345: "0.000123",
		1e12: "1\u202f000\u202f000\u202f000\u202f000", 830968394940416: "831\u202f000\u202f000\u202f000\u202f000", -9.999e6: "-10\u202f000\u202f000", 1e15: "1e15", 1.2345e20: "1.23e20",
		1e-7: "1e-7", 1.239e-7: "1.24e-7", -0.00000001: "-1e-8", 1e-300: "1e-300",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
