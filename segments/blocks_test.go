package segments_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// TestBlocks reads what was written, as of now and as of a past day, and on from a view that others overwrite.
func TestBlocks(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC) // clocks went on at 1 o'clock
	_, a := open(t, t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	write := func(build func(b *batch.Builder)) uint64 {
		t.Helper()
		r, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error { build(b); return nil }})
		if err != nil || len(r.Rejects) > 0 {
			t.Fatal(err, r.Rejects)
		}
		return r.Position
	}
	at := func(text string) int64 {
		m, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return m.UnixMilli()
	}
	type row struct {
		cid, at string
		utc     int64
		amount  value.Value
	}
	number := func(coef int64, scale int) value.Value {
		d, err := value.NewDecimal(coef, scale)
		if err != nil {
			t.Fatal(err)
		}
		return value.Num(d)
	}
	position := write(func(b *batch.Builder) {
		for i, r := range []row{
			{"ann", "2024-03-29T10:00:00.999Z", batch.NoOffset, number(5, 1)},
			{"ann", "2024-03-29T10:00:00Z", 120, number(7, 0)},
			{"bob", "2024-03-29T23:30:00Z", -60, value.Text("much")},
			{"bob", "2024-03-31T11:00:00Z", batch.NoOffset, value.Value{}},
			{"bob", "2024-03-31T11:30:00Z", batch.NoOffset, number(1, 0)},
			{"bob", "2024-03-31T12:30:00Z", batch.NoOffset, number(2, 0)}, // later than now
			{"cid", "2024-03-30T00:00:00Z", batch.NoOffset, number(3, 0)},
		} {
			e := batch.Event{CID: r.cid, Name: "buy", TimeMillis: at(r.at), OffsetMinutes: r.utc}
			if r.amount.Kind != value.Absent {
				e.Properties = []batch.Named{{Name: "amount", Value: r.amount}}
			}
			b.Event(i, e)
		}
		b.Profile(7, batch.ProfileChange{CID: "dan", TimeMillis: at("2024-03-30T10:00:00Z"), Set: []batch.Named{{Name: "city", Value: value.Text("Oslo")}, {Name: "age", Value: number(255, 1)}}})
		b.Tag(8, batch.TagChange{CID: "cid", Tag: "vip", TimeMillis: at("2024-03-30T10:00:00Z")})
	})
	v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: position})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	past, err := v.Before(v.Day())
	if err != nil {
		t.Fatal(err)
	}
	write(func(b *batch.Builder) {
		b.Event(0, batch.Event{CID: "ann", Name: "buy", TimeMillis: at("2024-03-29T11:00:00Z"), OffsetMinutes: batch.NoOffset})
	})
	for _, c := range []struct {
		view *segments.View
		want []string
	}{
		{v, []string{
			"everyone [0 1 2 3]", "heard 0 on 19811", "heard 1 on 19811", "heard 2 on 19812", "heard 3 on 19812",
			"19813 did [1] twice [1]", "row 1 at 2024-03-31T11:00:00Z, local 11:00:00", "row 1 at 2024-03-31T11:30:00Z, local 11:30:00", "number 1e-0 of 1",
			"19812 did [2] twice []", "row 2 at 2024-03-30T00:00:00Z, local 00:00:00", "number 3e-0 of 2",
			"19811 did [0 1] twice [0]", "row 0 at 2024-03-29T10:00:00Z, local 12:00:00", "row 0 at 2024-03-29T10:00:00Z, local 10:00:00", "row 1 at 2024-03-29T23:30:00Z, local 22:30:00",
			"number 70e-1 of 0", "number 5e-1 of 0", "vip [2]", "city 0 of 3", "age 25.5 of 3",
		}},
		{past, []string{
			"everyone [0 1 2 3]", "heard 0 on 19811", "heard 1 on 19811", "heard 2 on 19812", "heard 3 on 19812",
			"19812 did [2] twice []", "row 2 at 2024-03-30T00:00:00Z, local 00:00:00", "number 3e-0 of 2",
			"19811 did [0 1] twice [0]", "row 0 at 2024-03-29T10:00:00Z, local 12:00:00", "row 0 at 2024-03-29T10:00:00Z, local 10:00:00", "row 1 at 2024-03-29T23:30:00Z, local 22:30:00",
			"number 70e-1 of 0", "number 5e-1 of 0", "vip [2]", "city 0 of 3", "age 25.5 of 3",
		}},
	} {
		if got := tellBlock(t, c.view, 0); !slices.Equal(got, c.want) {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	if early, err := v.Before(19_811); err != nil {
		t.Error(err)
	} else if got := tellBlock(t, early, 0); !slices.Equal(got, []string{"nobody", "vip []"}) {
		t.Errorf("before anybody came there is %q", got)
	}
	if code, found := v.AttributeCode("city", "Oslo"); !found || v.AttributeText("city", code) != "Oslo" || v.AttributeType("city") != "string" {
		t.Errorf("the code of Oslo is %d, %v", code, found)
	}
	for _, beyond := range []int{-1, 1, 1 << 40} {
		if got := tellBlock(t, v, beyond); !slices.Equal(got, []string{"nobody", "vip []"}) {
			t.Errorf("in block %d there is %q", beyond, got)
		}
	}
	var wrong *segments.Error
	if _, err := v.Before(v.Day() + 2); !errors.As(err, &wrong) || wrong.Reason != segments.AsOfInFuture {
		t.Errorf("tomorrow's end: %v", err)
	}
}

// tellBlock writes down all that a reader says of a block.
func tellBlock(t *testing.T, v *segments.View, block int) (all []string) {
	t.Helper()
	r := v.BlockReader(t.Context())
	defer r.Close()
	tell := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	members := func(w *segments.Words) (list []uint16) {
		w.Each(func(x uint16) bool { list = append(list, x); return true })
		return list
	}
	anybody, err := r.GoTo(block)
	check(err)
	var words segments.Words
	if r.Everyone(&words); anybody {
		tell("everyone %v", members(&words))
	} else {
		tell("nobody")
	}
	everyone := words
	check(r.HeardDays(nil, func(x uint16, day int32) { tell("heard %d on %d", x, day) }))
	for _, d := range r.Days("buy", -1<<31) {
		who, err := d.Who(nil)
		check(err)
		did := slices.Clone(who)
		twice := twiceOf(t, d, nil)
		tell("%d did %v twice %v", d.Day(), did, twice)
		some, isSome := everySecond(members(&everyone))
		who, err = d.Who(some)
		check(err)
		if want := slices.DeleteFunc(slices.Clone(did), func(x uint16) bool { return !isSome.Has(x) }); !slices.Equal(who, want) {
			t.Errorf("of %v %v did it, want %v", some, who, want)
		}
		if again, want := twiceOf(t, d, some), slices.DeleteFunc(slices.Clone(twice), func(x uint16) bool { return !isSome.Has(x) }); !slices.Equal(again, want) {
			t.Errorf("of %v %v did it twice, want %v", some, again, want)
		}
		var ofSome, ofAll []string
		for only, list := range map[bool]*[]string{true: &ofSome, false: &ofAll} {
			check(d.Rows(map[bool]*segments.Words{true: isSome, false: &everyone}[only], only, func(rows segments.EventRows) {
				for i, x := range rows.Who() {
					if isSome.Has(x) || only {
						*list = append(*list, fmt.Sprint(x, rows.Seconds()[i]))
					}
				}
			}))
		}
		if !slices.Equal(ofSome, ofAll) {
			t.Errorf("the rows of %v are %v, want %v", some, ofSome, ofAll)
		}
		var numbers []string
		check(d.Rows(&everyone, false, func(rows segments.EventRows) {
			seconds := slices.Clone(rows.Seconds())
			local := rows.LocalSeconds()
			for i, x := range rows.Who() {
				tell("row %d at %s, local %s", x, time.Unix(seconds[i], 0).UTC().Format(time.RFC3339), time.Unix(local[i], 0).UTC().Format(time.TimeOnly))
			}
			rows.Numbers("amount", func(who []uint16, coefficients []int64, scale uint8) {
				for i, x := range who {
					numbers = append(numbers, fmt.Sprintf("number %de-%d of %d", coefficients[i], scale, x))
				}
			})
			rows.Numbers("nothing", func([]uint16, []int64, uint8) { t.Error("an unknown property has numbers") })
		}))
		all = append(all, numbers...)
	}
	if len(r.Days("never", -1<<31)) > 0 {
		t.Error("an unknown event has days")
	}
	check(r.Tag("vip", &words))
	tell("vip %v", members(&words))
	check(r.AttributeCodes("city", nil, func(x uint16, code int64) { tell("city %d of %d", code, x) }))
	r.Everyone(&everyone)
	codes := new([segments.BlockCIDs]uint32)
	for _, name := range []string{"city", "age", "unknown"} {
		check(r.ReadAttributeCodes(name, &everyone, codes))
		want := map[uint16]uint32{}
		check(r.AttributeCodes(name, nil, func(x uint16, code int64) { want[x] = uint32(code) }))
		everyone.Each(func(x uint16) bool {
			code, has := want[x]
			if has && codes[x] != code || !has && codes[x] != segments.NoCode {
				t.Errorf("%s of %d: %d, want %d", name, x, codes[x], code)
			}
			return true
		})
	}
	check(r.AttributeNumbers("age", nil, func(x uint16, n float64) { tell("age %v of %d", n, x) }))
	check(r.AttributeNumbers("city", nil, func(uint16, float64) { t.Error("strings are numbers") }))
	check(r.AttributeCodes("age", nil, func(uint16, int64) { t.Error("numbers are strings") }))
	return all
}

// twiceOf are those who did it more than once, of all or of some, as often as they did beyond once.
func twiceOf(t *testing.T, d segments.EventDay, some []uint16) (twice []uint16) {
	t.Helper()
	err := d.More(some, func(who []uint16, weight uint32) {
		for range weight {
			twice = append(twice, who...)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return twice
}

// everySecond returns some of those listed, not all of whom have done anything.
func everySecond(all []uint16) (some []uint16, words *segments.Words) {
	some, words = []uint16{}, new(segments.Words)
	for i := 0; i < len(all); i += 2 {
		some = append(some, all[i])
		words.Set(all[i])
	}
	return some, words
}

// TestMembers compares what members say block by block with a selection.
func TestMembers(t *testing.T) {
	ctx := context.Background()
	_, a := open(t, t.TempDir(), segments.Options{})
	var position uint64
	const cids = segments.BlockCIDs + 1000
	for from := 0; from < cids; from += 20_000 {
		r, err := a.Write(ctx, segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := from; i < min(from+20_000, cids); i++ {
				b.Event(i, batch.Event{CID: fmt.Sprint(i), Name: []string{"open", "close", "push"}[i%3], TimeMillis: batch.NoTime, OffsetMinutes: batch.NoOffset})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		position = r.Position
	}
	v, err := a.View(ctx, segments.ReadOptions{AtLeastPosition: position})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, text := range []string{`everyone`, `nobody`, `did("open")`, `not did("open") and count("push", within 1d) < 1`} {
		n := parsed(t, text)
		want := selected(t, v, n)
		m, err := v.Members(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		var ordinals []uint32
		var words segments.Words
		for block := range v.Blocks() {
			if err := m.At(block, &words); err != nil {
				t.Fatal(err)
			}
			words.Each(func(x uint16) bool {
				ordinals = append(ordinals, uint32(block)*segments.BlockCIDs+uint32(x))
				return true
			})
		}
		m.Close()
		var got batch.CIDs
		v.ReadCIDs(&got, ordinals)
		names := make([]string, len(ordinals))
		for i := range names {
			names[i] = got.At(i)
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%s has %d members, and %d are selected", text, len(names), len(want))
		}
	}
	beyond, err := v.Members(ctx, expr.Everyone{})
	if err != nil {
		t.Fatal(err)
	}
	defer beyond.Close()
	for _, block := range []int{-1, v.Blocks()} {
		words := segments.Words{1}
		if err := beyond.At(block, &words); err != nil || !words.Empty() {
			t.Errorf("block %d has members, or %v", block, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	m, err := v.Members(cancelled, expr.Everyone{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cancel()
	if err := m.At(0, new(segments.Words)); !errors.Is(err, context.Canceled) {
		t.Errorf("members of a cancelled reading: %v", err)
	}
	r := v.BlockReader(cancelled)
	defer r.Close()
	if _, err := r.GoTo(0); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled reading: %v", err)
	}
}

// TestDaysOfAll merges the days of several events, which come one by one as well.
func TestDaysOfAll(t *testing.T) {
	now := time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC)
	_, a := open(t, t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	events := []string{"buy", "open", "never", "view"}
	r, err := a.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range 60 {
			at := now.AddDate(0, 0, -[]int{i % 7, i * i % 11, 0, 19_800 + i%3}[i%4]).UnixMilli()
			if name := events[i%4]; name != "never" {
				b.Event(i, batch.Event{CID: fmt.Sprint("c", i%5), Name: name, TimeMillis: at, OffsetMinutes: batch.NoOffset})
			}
		}
		return nil
	}})
	if err != nil || len(r.Rejects) > 0 {
		t.Fatal(r, err)
	}
	v, err := a.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := v.Events(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"buy", "open", "view"}) {
		t.Errorf("the events are %q", got)
	}
	reader := v.BlockReader(t.Context())
	defer reader.Close()
	if _, err := reader.GoTo(0); err != nil {
		t.Fatal(err)
	}
	type did struct {
		day int32
		who string
	}
	tell := func(days []segments.EventDay) (all []did) {
		for _, d := range days {
			who, err := d.Who(nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, did{d.Day(), fmt.Sprint(who)})
		}
		return all
	}
	for _, from := range []int32{math.MinInt32, 13, v.Day() - 5, v.Day(), v.Day() + 1} {
		var want []did
		for _, name := range events {
			want = append(want, tell(reader.Days(name, from))...)
		}
		slices.SortStableFunc(want, func(x, y did) int { return cmp.Compare(y.day, x.day) })
		for range 2 { // its lists are used again
			if got := tell(reader.DaysOfAll(events, from)); !slices.Equal(got, want) {
				t.Errorf("from %d: %v, want %v", from, got, want)
			}
		}
		if from == math.MinInt32 && (len(want) < 15 || want[len(want)-1].day > 20) {
			t.Errorf("%v are not all days", want)
		}
	}
	if got := reader.DaysOfAll(nil, math.MinInt32); len(got) > 0 {
		t.Errorf("of no event there is %v", tell(got))
	}
}
