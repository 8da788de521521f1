package bench_test

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/bench"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/expr/exprtest"
	"whowhen.dev/whowhen/segments/value"
)

// end returns the last second of the dataset.
func end(d bench.Dataset) time.Time {
	return time.Unix(int64(d.LastDay)*86400+86399, 0).UTC()
}

func openHome(t testing.TB, dir string, d bench.Dataset) *segments.Home {
	t.Helper()
	home, err := segments.OpenHome(dir, segments.Options{Clock: func() time.Time { return end(d) }})
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// TestSeedIsWhatWriteWouldMake asks an app that was seeded and one with the same data written to it the same things.
func TestSeedIsWhatWriteWouldMake(t *testing.T) {
	d := bench.Dataset{CIDs: 66_000, Seed: 3, LastDay: 20_700}
	dir := t.TempDir()
	home := openHome(t, dir, d)
	steps, last := 0, 0
	err := bench.Seed(t.Context(), home, "seeded", d, func(done, all int) {
		steps, last = steps+1, all
		if done != steps {
			t.Errorf("step %d of %d came as number %d", done, all, steps)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps == 0 || steps != last {
		t.Errorf("%d steps of %d", steps, last)
	}
	seeded, err := home.App("seeded")
	if err != nil {
		t.Fatal(err)
	}
	written, err := home.CreateApp("written", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	position := writeAll(t, written, d)

	var apps [2]*segments.View
	for i, a := range []*segments.App{seeded, written} {
		if apps[i], err = a.View(t.Context(), segments.ReadOptions{AtLeastPosition: uint64(i) * position}); err != nil {
			t.Fatal(err)
		}
	}
	vocabulary := vocabulary(d)
	rapid.Check(t, func(t *rapid.T) {
		n := exprtest.Gen(vocabulary).Draw(t, "expression")
		var counts [2]uint64
		for i, v := range apps {
			var err error
			if counts[i], err = v.Count(context.Background(), n); err != nil {
				t.Fatal(err)
			}
		}
		if counts[0] != counts[1] {
			t.Fatalf("%v: %d in the seeded app, %d in the written one", n, counts[0], counts[1])
		}
	})
	var statuses [2]string
	for i, a := range []*segments.App{seeded, written} {
		apps[i].Close()
		s, err := a.Status()
		if err != nil {
			t.Fatal(err)
		}
		// Names are numbered in the order they came in, and a tag that nobody bears never did.
		s.Tags = slices.DeleteFunc(s.Tags, func(f segments.FieldStatus) bool { return f.CIDs == 0 })
		slices.SortFunc(s.Attributes, func(a, b segments.FieldStatus) int { return strings.Compare(a.Name, b.Name) })
		statuses[i] = fmt.Sprint(s.CIDs, s.Tags, s.Attributes, s.Events)
	}
	if statuses[0] != statuses[1] {
		t.Errorf("seeded:  %s\nwritten: %s", statuses[0], statuses[1])
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := segments.Verify(t.Context(), dir, "seeded", segments.Options{}, func(string) {})
	if err != nil || len(found.Findings) > 0 || found.CIDs != uint64(d.CIDs) {
		t.Errorf("verify: %+v, %v", found, err)
	}
}

// TestSeededAppGoesOn writes to a seeded app, and opens it again.
func TestSeededAppGoesOn(t *testing.T) {
	d := bench.Dataset{CIDs: 3000, Seed: 4, LastDay: 20_700}
	dir := t.TempDir()
	home := openHome(t, dir, d)
	if err := bench.Seed(t.Context(), home, "default", d, func(_, _ int) {}); err != nil {
		t.Fatal(err)
	}
	if err := bench.Seed(t.Context(), home, "default", d, func(_, _ int) {}); err == nil {
		t.Error("seeding twice went well")
	}
	count := func() uint64 {
		a, err := home.App("")
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.View(t.Context(), segments.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		n, err := v.Count(t.Context(), parse(t, `did("open", within 30d) and not did("new")`))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	a, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(t.Context(), segments.WriteRequest{Build: func(to *batch.Builder) error {
		for ordinal := range uint32(100) {
			to.Event(int(ordinal), batch.Event{CID: fmt.Sprintf("%x", d.CID(ordinal)), Name: "new", TimeMillis: end(d).UnixMilli()})
		}
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		home = openHome(t, dir, d)
		if after := count(); after >= before || before-after > 100 {
			t.Errorf("%d before, %d after", before, after)
		}
	}
	home.Close()
}

func TestSeedIsGivenUp(t *testing.T) {
	d := bench.Dataset{CIDs: 100_000, Seed: 4, LastDay: 20_700}
	home := openHome(t, t.TempDir(), d)
	defer home.Close()
	ctx, cancel := context.WithCancel(t.Context())
	err := bench.Seed(ctx, home, "default", d, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it went on")
	}
	if apps, err := home.Apps(); err != nil || len(apps) > 0 {
		t.Errorf("left: %v, %v", apps, err)
	}
	if err := bench.Seed(t.Context(), home, "default", d, func(_, _ int) {}); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
}

func parse(t testing.TB, text string) expr.Node {
	t.Helper()
	n, err := expr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func vocabulary(d bench.Dataset) exprtest.Vocabulary {
	v := exprtest.Vocabulary{FromDay: int64(d.Day(0)), ToDay: int64(d.LastDay)}
	for _, t := range d.Tags() {
		v.Tags = append(v.Tags, t.Name)
	}
	for _, n := range d.Numbers() {
		top := int64(1) << n.Bits
		v.Attributes = append(v.Attributes, exprtest.Fact{Name: n.Name, Kind: value.Number, Samples: []value.Value{number(0), number(top / 3), number(top - 1), number(top)}})
	}
	for _, e := range d.Events() {
		v.Events = append(v.Events, exprtest.Event{Name: e.Name, Properties: []exprtest.Fact{
			{Name: "category", Kind: value.String, Samples: []value.Value{value.Text("shoes"), value.Text("maps")}},
			{Name: "amount", Kind: value.Number, Samples: []value.Value{number(1), number(100), number(650)}},
		}})
	}
	return v
}

func number(n int64) value.Value { return value.Num(value.Decimal{Coef: n}) }

// writeAll writes the dataset by column, and returns the position after it.
func writeAll(t testing.TB, a *segments.App, d bench.Dataset) (position uint64) {
	t.Helper()
	write := func(build func(to *batch.Builder) error) {
		result, err := a.Write(t.Context(), segments.WriteRequest{Build: build})
		if err != nil || len(result.Rejects) > 0 {
			t.Fatal(result, err)
		}
		position = result.Position
	}
	cids := func(ordinals []uint32) (list batch.CIDs) {
		for _, o := range ordinals {
			cid := d.CID(o)
			list.Packed = append(list.Packed, cid[:]...)
		}
		return list
	}
	times := func(n int) []int64 {
		list := make([]int64, n)
		for i := range list {
			list[i] = d.HeardMillis()
		}
		return list
	}
	ordinalsOf := func(block int, words *[bench.BlockWords]uint64) (list []uint32) {
		for i, w := range words {
			for ; w != 0; w &= w - 1 {
				list = append(list, uint32(block*bench.BlockOrdinals+i<<6+bits.TrailingZeros64(w)))
			}
		}
		return list
	}
	var words [bench.BlockWords]uint64
	values := make([]int64, bench.BlockOrdinals)
	for block := range d.Blocks() {
		// Every CID has this number, which brings them in order.
		order := []int{2, 0, 1, 3}
		for _, i := range order {
			d.Values(i, block, values, &words)
			who := ordinalsOf(block, &words)
			column := batch.Column{Name: d.Numbers()[i].Name}
			for _, o := range who {
				column.Kinds, column.Data = append(column.Kinds, value.Number), append(column.Data, values[o%bench.BlockOrdinals])
			}
			write(func(to *batch.Builder) error {
				return to.ProfileColumns(0, batch.Profiles{CIDs: cids(who), TimesMillis: times(len(who)), Set: []batch.Column{column}})
			})
		}
		for i, tag := range d.Tags() {
			d.TagWords(i, block, &words)
			if who := ordinalsOf(block, &words); len(who) > 0 {
				write(func(to *batch.Builder) error {
					return to.TagColumns(0, batch.Tags{Name: tag.Name, CIDs: cids(who), TimesMillis: times(len(who)), Remove: make([]bool, len(who))})
				})
			}
		}
		for i, e := range d.Events() {
			for day := range bench.Days {
				rows := d.Happened(i, day, block)
				if len(rows.Ordinals) == 0 {
					continue
				}
				props := []batch.Column{{Name: "category", Strings: d.Categories()}, {Name: "amount"}}
				for k := range rows.Ordinals {
					props[0].Kinds, props[0].Data = append(props[0].Kinds, value.String), append(props[0].Data, int64(rows.Category[k]))
					props[1].Kinds, props[1].Data = append(props[1].Kinds, value.Number), append(props[1].Data, rows.Cents[k])
					props[1].Scales = append(props[1].Scales, 2)
				}
				write(func(to *batch.Builder) error {
					return to.EventColumns(0, batch.Events{Name: e.Name, CIDs: cids(rows.Ordinals), TimesMillis: rows.Millis, Props: props})
				})
			}
		}
	}
	return position
}
