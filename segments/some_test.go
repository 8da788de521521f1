package segments_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestSomeOfMany asks a reader about every second of many who lie beside each other, on days of which all counts and of which not all does, and holds
// that nothing of the others is told.
func TestSomeOfMany(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	_, a := open(t, t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	r, err := a.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range 1000 {
			cid := fmt.Sprint(i % 100)
			// Today is half over: a part of these comes later. Some come late.
			b.Event(i, batch.Event{CID: cid, Name: "buy", TimeMillis: now.Add(time.Duration(i%7-3) * 7 * time.Hour).UnixMilli(), OffsetMinutes: batch.NoOffset})
			if i < 100 && i%3 == 0 { // of whom a part has attributes
				b.Profile(1000+i, batch.ProfileChange{CID: cid, TimeMillis: now.Add(-50 * time.Hour).UnixMilli(), Set: []batch.Named{{Name: "city", Value: value.Text("Oslo")}, {Name: "adult", Value: value.Boolean(true)}}})
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	base, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	for _, v := range []*segments.View{base, base.WithoutLate(map[string]int32{"buy": 0})} {
		reader := v.BlockReader(t.Context())
		defer reader.Close()
		if _, err := reader.GoTo(0); err != nil {
			t.Fatal(err)
		}
		var everyone, isSome segments.Words
		reader.Everyone(&everyone)
		var some []uint16
		everyone.Each(func(x uint16) bool {
			if x%2 == 1 {
				some = append(some, x)
				isSome.Set(x)
			}
			return true
		})
		of := func(all []uint16) []uint16 {
			return slices.DeleteFunc(slices.Clone(all), func(x uint16) bool { return !isSome.Has(x) })
		}
		days := reader.Days("buy", -1<<31)
		for _, d := range days {
			who, err := d.Who(nil)
			if err != nil {
				t.Fatal(err)
			}
			want := of(who)
			if got, err := d.Who(some); err != nil || !slices.Equal(got, want) || len(want) == 0 && v == base {
				t.Errorf("%d: %v did it, want %v, %v", d.Day(), got, want, err)
			}
			if got, want := twiceOf(t, d, some), of(twiceOf(t, d, nil)); !slices.Equal(got, want) {
				t.Errorf("%d: %v did it again, want %v", d.Day(), got, want)
			}
			var rowsOfSome, rowsOfAll []uint16
			if err := d.Rows(&isSome, true, func(rows segments.EventRows) { rowsOfSome = append(rowsOfSome, rows.Who()...) }); err != nil {
				t.Fatal(err)
			}
			if err := d.Rows(&everyone, false, func(rows segments.EventRows) { rowsOfAll = append(rowsOfAll, of(rows.Who())...) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(rowsOfSome, rowsOfAll) {
				t.Errorf("%d: rows of %v, want %v", d.Day(), rowsOfSome, rowsOfAll)
			}
		}
		if len(days) < 2 {
			t.Errorf("%d days", len(days))
		}
		told := map[string][]uint16{}
		tell := func(what string) func(uint16) { return func(x uint16) { told[what] = append(told[what], x) } }
		heard, codes, numbers := tell("heard"), tell("codes"), tell("numbers")
		for _, err := range []error{
			reader.HeardDays(some, func(x uint16, _ int32) { heard(x) }),
			reader.AttributeCodes("city", some, func(x uint16, _ int64) { codes(x) }),
			reader.AttributeNumbers("adult", some, func(x uint16, _ float64) { numbers(x) }),
			reader.HeardDays([]uint16{}, func(uint16, int32) { t.Error("told of somebody") }),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		third := slices.DeleteFunc(slices.Clone(some), func(x uint16) bool { return x%3 != 0 })
		for what, want := range map[string][]uint16{"heard": some, "codes": third, "numbers": third} {
			if !slices.Equal(told[what], want) || len(want) == 0 {
				t.Errorf("%s of %v, want %v", what, told[what], want)
			}
		}
	}
}
