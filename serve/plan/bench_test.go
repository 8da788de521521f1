package plan_test

import (
	"fmt"
	"testing"
	"time"

	"whowhen.dev/whowhen/serve/plan"
)

// BenchmarkPlan plans CIDs of 24 zones and 3 places, each with a curve of its own, one after the other.
func BenchmarkPlan(b *testing.B) {
	zones := plan.NewZones()
	var all []*plan.Zone
	for _, name := range []string{"Asia/Jakarta", "Asia/Kolkata", "America/Sao_Paulo", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Shanghai", "America/Mexico_City"} {
		z, err := zones.Named(name)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, z)
	}
	from := time.Date(2026, 5, 4, 9, 17, 0, 0, time.UTC)
	gentle := policy(b, "calendars = [\"holidays\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n[[policy.p.holiday]]\non = \"weekend\"\n")
	for _, bench := range []struct {
		days, hours, alternatives int
		policy                    *plan.Policy
	}{{1, 1, 0, nil}, {1, 1, 0, gentle}, {1, 3, 2, gentle}, {7, 1, 2, gentle}, {7, 4, 2, gentle}} {
		b.Run(fmt.Sprintf("days=%d/hours=%d/alternatives=%d/policy=%t", bench.days, bench.hours, bench.alternatives, bench.policy != nil), func(b *testing.B) {
			m := plan.Message{Seed: "m", From: from, Until: from.AddDate(0, 0, bench.days), WidthMinutes: 60 * bench.hours, Alternatives: bench.alternatives}
			w := planner(b, m, bench.policy).Worker()
			var curves [64]plan.Curve
			for i := range curves {
				curves[i] = *curveOf(func(class, hour int) float64 { return float64((i*31+(24*class+hour)*17)%97) / 300 })
			}
			places := []string{"ID", "DE", "FR"}
			cid := "0123456789abcdef0123456789abcdef"
			var a plan.Answer
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				w.Plan(&plan.Subject{CID: cid, Zone: all[i%len(all)], Place: places[i%len(places)], Curve: &curves[i%len(curves)], ActiveDays: 1}, &a)
			}
		})
	}
}

// BenchmarkNewFrame prepares one zone for a message of a week.
func BenchmarkNewFrame(b *testing.B) {
	z := zone(b, "Europe/Berlin")
	gentle := policy(b, "calendars = [\"holidays\"]\n[[policy.p.quiet]]\nhours = [\"22:00-08:00\"]\n")
	from := time.Date(2026, 3, 25, 9, 17, 0, 0, time.UTC)
	var a plan.Answer
	for b.Loop() {
		planner(b, plan.Message{From: from, Until: from.AddDate(0, 0, 7)}, gentle).Worker().Plan(&plan.Subject{CID: "c", Zone: z}, &a)
	}
}
