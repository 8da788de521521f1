package index

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// TestSort compares with sorting by comparison, for lists of all lengths that are treated differently.
func TestSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 600), rapid.IntRange(8000, 8400)).Draw(t, "n")
		rowBits, keyBits := uint(14), rapid.UintRange(0, 50).Draw(t, "bits")
		seed := rapid.Uint64().Draw(t, "seed")
		var s scratch
		keys := s.keys(n)
		for row := range keys {
			seed = seed*6364136223846793005 + 1442695040888963407
			keys[row] = seed>>8&(1<<keyBits-1)<<rowBits | uint64(row)
		}
		want := slices.Clone(keys)
		slices.Sort(want)
		if got := s.sort(rowBits, rowBits+keyBits); !slices.Equal(got, want) {
			t.Fatalf("%d keys of %d bits are out of order", n, keyBits)
		}
	})
}

// arrival is an event as it was written, for a judge.
type arrival struct {
	day     int32
	ordinal uint32
	millis  int64
	utc     int64
	id      string
	value   value.Value
}

// TestArrivals has batches of one event arrive and gathers them, and compares with the rows sorted one by one.
func TestArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Pacific/Kiritimati", "America/St_Johns"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		d := NewDraft(&Version{}, NewSchema(), dict.NewCIDs(memory.NewArena()), civil.NewZone(zone))
		const received = 1_700_000_000_000
		var all []arrival
		a := d.arrivals(3)
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			e := &batch.Events{Name: "open"}
			c := batch.Column{Name: "p"}
			withProp, withIDs, withUTC := rapid.Bool().Draw(t, "prop"), rapid.Bool().Draw(t, "ids"), rapid.Bool().Draw(t, "utc")
			var ordinals []uint32
			for range rapid.IntRange(1, 300).Draw(t, "rows") {
				one := arrival{
					ordinal: rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, 3<<20)).Draw(t, "ordinal"),
					millis:  rapid.OneOf(rapid.Int64Range(received-2*dayMillis, received), rapid.Just[int64](batch.NoTime), rapid.Int64Range(0, batch.MaxMillis)).Draw(t, "millis"),
					utc:     batch.NoOffset,
				}
				e.TimesMillis, ordinals = append(e.TimesMillis, one.millis), append(ordinals, one.ordinal)
				if one.millis == batch.NoTime {
					one.millis = received
				}
				one.day = d.zone.Day(floorSeconds(one.millis))
				if withUTC {
					one.utc = int64(rapid.SampledFrom([]int16{batch.NoOffset, 60}).Draw(t, "minutes"))
					e.Offsets = append(e.Offsets, int16(one.utc))
				}
				if withIDs {
					one.id = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "id")
					e.IDs = append(e.IDs, one.id)
				}
				if withProp {
					k := rapid.SampledFrom([]value.Kind{value.Absent, value.Number, value.Bool}).Draw(t, "kind")
					data, scale := int64(1), rapid.Uint8Range(0, 2).Draw(t, "scale")
					c.Kinds, c.Data, c.Scales = append(c.Kinds, k), append(c.Data, data), append(c.Scales, scale)
					one.value = c.Value(len(c.Kinds) - 1)
				}
				all = append(all, one)
			}
			var coded []codedColumn
			if withProp {
				coded = []codedColumn{{id: 9, column: &c}}
			}
			if !a.room(len(ordinals), len(coded), 1000) {
				t.Fatal("no room for a few rows")
			}
			a.take(e, ordinals, received, coded)
		}
		slices.SortStableFunc(all, func(x, y arrival) int {
			return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.ordinal, y.ordinal), cmp.Compare(x.millis, y.millis))
		})
		order := d.inOrder(a)
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].day == all[from].day && all[to].ordinal/bitmap.ShardOrdinals == all[from].ordinal/bitmap.ShardOrdinals {
				to++
			}
			if order.day(from) != all[from].day {
				t.Fatalf("row %d is of day %d, want %d", from, order.day(from), all[from].day)
			}
			want := slices.Clone(all[from:to])
			for i := range want {
				want[i].ordinal %= bitmap.ShardOrdinals
			}
			if got, want := told(d.scratch.gather(a, &order, from, to), all[from].day), fmt.Sprint(want); got != want {
				t.Fatalf("rows %d to %d: %s\nwant %s", from, to, got, want)
			}
			from = to
		}
	})
}

// told prints rows like arrivals.
func told(r *column.Rows, day int32) string {
	var all []arrival
	for i := range r.Ordinals {
		one := arrival{day: day, ordinal: r.Ordinals[i], millis: civil.DayStart(day) + r.Offsets[i], utc: batch.NoOffset}
		if r.UTC != nil {
			one.utc = r.UTC[i]
		}
		if r.IDs != nil {
			one.id = r.IDs[i]
		}
		if len(r.Props) > 0 {
			c := batch.Column{Kinds: r.Props[0].Kinds, Data: r.Props[0].Data, Scales: r.Props[0].Scales}
			one.value = c.Value(i)
		}
		all = append(all, one)
	}
	return fmt.Sprint(all)
}

// TestRoomOfArrivals holds that day, ordinal and row fit a key whatever is taken.
func TestRoomOfArrivals(t *testing.T) {
	for _, cids := range []int{0, 1, 1 << 20, 1 << 30, 1 << 31, math.MaxUint32} {
		a := &arrivals{}
		for a.room(batch.MaxRecords, 0, cids) {
			a.ordinals = append(a.ordinals, make([]uint32, batch.MaxRecords)...)
		}
		const dayBits = 16
		if bitsOf(len(a.ordinals)-1)+bitsOf(cids)+dayBits > 64 {
			t.Errorf("%d rows are taken with %d CIDs", len(a.ordinals), cids)
		}
	}
}

func bitsOf(n int) (bits int) {
	for ; n > 0; n >>= 1 {
		bits++
	}
	return bits
}
