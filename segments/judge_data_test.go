package segments_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr/exprtest"
	"whowhen.dev/whowhen/segments/value"
)

// words are the names and the values that records and expressions are made of.
type words struct {
	tags       []string
	attributes []fact
	events     []happening
}

// fact is an attribute or a property and the values it takes. The first kind is what expressions ask for most.
type fact struct {
	name   string
	kind   value.Kind
	values []value.Value
}

type happening struct {
	name  string
	props []fact
}

func decimal(s string) value.Decimal {
	d, err := value.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func numbers(texts ...string) (list []value.Value) {
	for _, s := range texts {
		list = append(list, value.Num(decimal(s)))
	}
	return list
}

func texts(list ...string) (values []value.Value) {
	for _, s := range list {
		values = append(values, value.Text(s))
	}
	return values
}

// extremes are numbers at the ends of what is kept: large, tiny, and next to each other.
func extremes() []value.Value {
	return numbers("9223372036854775807", "-9223372036854775807", "9223372036854775806", "9.223372036854775807", "-9.223372036854775807",
		"0.000000000000000001", "-0.000000000000000001", "1", "1.000000000000000001", "0.999999999999999999", "0", "10", "-10",
		"922337203685477580.7", "0.1234567890123456", "1000", "1500", "2000", "-1500", "100.5")
}

// someWords draws a vocabulary. Times lie around now.
func someWords(rng *rand.Rand, now time.Time) words {
	var many []value.Value
	for i := range 200 {
		many = append(many, value.Text(fmt.Sprintf("city %d", i)))
	}
	var moments []value.Value
	for range 30 {
		at := value.Value{Kind: value.Time, Millis: now.UnixMilli() - rng.Int64N(45*86400_000)}
		if rng.IntN(3) == 0 { // near a full or a half hour, where days begin and end
			at.Millis = at.Millis/1800_000*1800_000 + pick(rng, []int64{-1, 0, 1, 30_000, -30_000})
		}
		moments = append(moments, at)
	}
	// In St. John's clocks once went back by an hour at 00:01, so that a day came in two pieces.
	pieces := time.Date(2006, 10, 29, 2, 30, 30, 0, time.UTC).UnixMilli()
	moments = append(moments, value.Value{Kind: value.Time, Millis: pieces}, value.Value{Kind: value.Time, Millis: pieces + 3600_000}, value.Value{Kind: value.Time}, value.Value{Kind: value.Time, Millis: -1}, value.Value{Kind: value.Time, Millis: 4102444800000})
	lists := []value.Value{value.Strings(nil), value.Strings([]string{"music"}), value.Strings([]string{"music", "sport"}), value.Strings([]string{"", "日本"}), value.Strings([]string{"sport", "sport", "a\"b"})}
	small := numbers("0", "1", "2", "3", "5", "18", "30", "-4", "2.5", "2.55", "19.99", "100")
	bools := []value.Value{value.Boolean(true), value.Boolean(false)}
	country := texts("ID", "IN", "DE", "", "de", "日本")
	mixed := append(append(append(append(texts("5", "true", "shoes"), small...), bools...), moments[:3]...), lists...)
	return words{
		tags: []string{"vip", "staff", `a "quoted" tag`},
		attributes: []fact{
			{"country", value.String, country}, {"city", value.String, many}, {"age", value.Number, small}, {"balance", value.Number, extremes()},
			{"opted in", value.Bool, bools}, {"joined", value.Time, moments}, {"interests", value.List, lists},
		},
		events: []happening{
			{"open", []fact{{"source", value.String, country}, {"ms", value.Number, small}}},
			{"purchase", []fact{{"amount", value.Number, extremes()}, {"category", value.String, texts("shoes", "hats", "")}, {"anything", value.Number, mixed},
				{"due", value.Time, moments}, {"labels", value.List, lists}, {"gift", value.Bool, bools}}},
			{"any event", nil},
		},
	}
}

// vocabulary says to the generator of expressions what to speak of.
func (w words) vocabulary(zone *time.Location, now time.Time) exprtest.Vocabulary {
	year, month, day := now.In(zone).Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400
	v := exprtest.Vocabulary{Tags: w.tags, FromDay: today - 45, ToDay: today + 3}
	facts := func(list []fact) (named []exprtest.Fact) {
		for _, f := range list {
			n := exprtest.Fact{Name: f.name, Kind: f.kind}
			for _, s := range f.values {
				switch {
				case s.Kind == value.List && f.kind == value.List:
					n.Samples = append(n.Samples, texts(s.List...)...)
				case s.Kind == f.kind:
					n.Samples = append(n.Samples, s)
				}
			}
			named = append(named, n)
		}
		return named
	}
	v.Attributes = facts(w.attributes)
	for _, e := range w.events {
		v.Events = append(v.Events, exprtest.Event{Name: e.name, Properties: facts(e.props)})
	}
	return v
}

// someCIDs draws CIDs of all shapes: packed ones, texts short and long, and texts that look like other things.
func someCIDs(rng *rand.Rand, n int) []string {
	cids := []string{"00001", "17850.0", "a", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("é", 64), "日本語", " blank ",
		strings.Repeat("0", 32), strings.Repeat("F", 32), strings.Repeat("0", 31), "-1", "NaN", "null"}
	for len(cids) < n {
		cids = append(cids, fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()))
	}
	return cids
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (w *world) someRecords(n int) (records []record) {
	for range n {
		records = append(records, w.someRecord())
		if last := records[len(records)-1]; last.event != nil && last.event.ID != "" && w.rng.IntN(3) == 0 {
			again := *last.event // the same event twice in one batch, by its id
			records = append(records, record{event: &again})
		}
	}
	return records
}

func (w *world) someRecord() record {
	cid := pick(w.rng, w.cids)
	if w.rng.IntN(100) == 0 {
		cid = pick(w.rng, []string{"", strings.Repeat("x", 129)})
	}
	switch w.rng.IntN(6) {
	case 0:
		t := batch.TagChange{CID: cid, Tag: pick(w.rng, w.words.tags), TimeMillis: w.someTime(), Remove: w.rng.IntN(4) == 0}
		if w.rng.IntN(2) == 0 {
			t.ExpiresMillis = w.clock.now().UnixMilli() + pick(w.rng, []int64{0, 1, w.rng.Int64N(6*86400_000) - 86400_000, w.rng.Int64N(6*86400_000) - 86400_000})
		}
		return record{tag: &t}
	case 1, 2:
		p := batch.ProfileChange{CID: cid, TimeMillis: w.someTime()}
		for _, f := range w.words.attributes {
			switch w.rng.IntN(10) {
			case 0, 1, 2:
				p.Set = append(p.Set, batch.Named{Name: f.name, Value: pick(w.rng, f.values)})
			case 3:
				p.Unset = append(p.Unset, f.name)
			case 4:
				if w.rng.IntN(20) == 0 { // of another type, perhaps
					p.Set = append(p.Set, batch.Named{Name: f.name, Value: pick(w.rng, pick(w.rng, w.words.attributes).values)})
				}
			}
		}
		return record{profile: &p}
	}
	what := w.words.events[min(w.rng.IntN(5), 2)*2%3]
	e := batch.Event{CID: cid, Name: what.name, TimeMillis: w.someTime(), OffsetMinutes: batch.NoOffset}
	if w.rng.IntN(3) == 0 {
		e.OffsetMinutes = w.rng.Int64N(2*18*60) - 18*60
	}
	if w.rng.IntN(4) == 0 && e.TimeMillis != batch.NoTime {
		// Few ids and coarse times, so that they come again, in other batches too.
		e.ID = fmt.Sprintf("id %d", w.rng.IntN(3))
		e.TimeMillis = e.TimeMillis / 86400_000 * 86400_000
	}
	for _, f := range what.props {
		if w.rng.IntN(3) > 0 {
			e.Properties = append(e.Properties, batch.Named{Name: f.name, Value: pick(w.rng, f.values)})
		}
	}
	return record{event: &e}
}

// someTime draws the time of a record: lately, of old, around the borders of days, in the future, none.
func (w *world) someTime() int64 {
	now := w.clock.now()
	switch w.rng.IntN(12) {
	case 0:
		return batch.NoTime
	case 1: // ahead of the clock, now and then too far
		return now.UnixMilli() + w.rng.Int64N(25*3600_000)
	case 2, 3, 4:
		back := w.rng.IntN(40)
		year, month, day := now.In(w.zone).Date()
		edge := time.Date(year, month, day-back, 0, 0, 0, 0, w.zone)
		return edge.UnixMilli() + pick(w.rng, []int64{-1000, -1, 0, 1, 999, 1000, 30_000, 60_000, -60_000, 3600_000, -3600_000})
	case 5: // around whole hours before now, where hours' windows begin
		return now.UnixMilli() - w.rng.Int64N(73)*3600_000 + pick(w.rng, []int64{-1001, -1000, -1, 0, 1, 999, 1000})
	case 6:
		return w.rng.Int64N(now.UnixMilli())
	}
	return now.UnixMilli() - w.rng.Int64N(40*86400_000)
}
