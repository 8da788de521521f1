package column

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/memory"
	"whowhen.dev/whowhen/segments/value"
)

// row is one event, for a judge of chunks.
type row struct {
	ordinal uint32
	offset  int64
	id      string
	kind    value.Kind
	cell    Cell
}

func genRows(t *rapid.T) []row {
	withIDs, withProp, scaled := rapid.Bool().Draw(t, "ids"), rapid.Bool().Draw(t, "prop"), rapid.Bool().Draw(t, "scaled")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		r := row{
			ordinal: rapid.OneOf(rapid.Uint32Range(0, 5), rapid.Uint32Range(0, bitmap.ShardOrdinals-1), rapid.SampledFrom([]uint32{65535, 65536, bitmap.ShardOrdinals - 1})).Draw(t, "ordinal"),
			offset:  rapid.OneOf(rapid.Int64Range(-50_000_000, 140_000_000), rapid.Int64Range(0, 2)).Draw(t, "offset"),
		}
		if withIDs {
			r.id = rapid.SampledFrom([]string{"", "a", "日本"}).Draw(t, "id")
		}
		if withProp {
			r.kind = rapid.SampledFrom([]value.Kind{value.Absent, value.Number, value.String}).Draw(t, "kind")
		}
		if r.kind != value.Absent {
			r.cell.Data = rapid.OneOf(rapid.Int64Range(-500, 500), rapid.Int64()).Draw(t, "data")
		}
		if r.kind == value.Number && scaled {
			r.cell.Scale = rapid.Uint8Range(0, 18).Draw(t, "scale")
		}
		return r
	}), 1, 30).Draw(t, "rows")
}

func chunkOf(rows []row) *Chunk {
	var r Rows
	p := RowsProp{ID: 7}
	for _, one := range rows {
		r.Ordinals, r.Offsets, r.IDs = append(r.Ordinals, one.ordinal), append(r.Offsets, one.offset), append(r.IDs, one.id)
		p.Kinds, p.Data, p.Scales = append(p.Kinds, one.kind), append(p.Data, one.cell.Data), append(p.Scales, one.cell.Scale)
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return r.id != "" }) {
		r.IDs = nil
	}
	if slices.ContainsFunc(rows, func(r row) bool { return r.kind != value.Absent }) {
		r.Props = []RowsProp{p}
	}
	return NewChunk(&r)
}

func rowsOf(c *Chunk) (rows []row) {
	for i := range c.Len() {
		r := row{ordinal: c.Ordinal(i), offset: c.Offset(i), id: string(c.ID(i))}
		if p := c.Prop(7); p != nil {
			r.kind, r.cell = p.Kind(i), p.Cell(i)
		}
		rows = append(rows, r)
	}
	return rows
}

// sameRow compares rows whose numbers may have been brought to another scale.
func sameRow(a, b row) bool {
	if a.kind == value.Number && b.kind == value.Number && same(a.cell, b.cell) {
		a.cell = b.cell
	} else if a.kind == b.kind && a.kind != value.Number {
		a.cell.Scale = b.cell.Scale
	}
	return a == b
}

// TestChunkAgainstRows sorts, merges, encodes and looks up, and compares with plain rows.
func TestChunkAgainstRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Custom(genRows), 2, 9).Draw(t, "parts")
		var chunks []*Chunk
		for _, part := range parts {
			chunks = append(chunks, chunkOf(part))
		}
		merged := Merge(chunks)
		want := slices.Concat(parts...)
		slices.SortStableFunc(want, func(x, y row) int {
			return cmp.Or(cmp.Compare(x.ordinal, y.ordinal), cmp.Compare(x.offset, y.offset))
		})
		encoded, err := merged.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := DecodeChunk(encoded, memory.Heap)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 0
		moved, err := merged.Relocate(once(t, &bytes))
		if err != nil || bytes != merged.contentBytes() || moved.MemoryBytes() != decoded.MemoryBytes() {
			t.Fatalf("%d bytes relocated, %d by count: %v", bytes, merged.contentBytes(), err)
		}
		for _, c := range []*Chunk{merged, decoded, moved} {
			if got := rowsOf(c); !slices.EqualFunc(got, want, sameRow) {
				t.Fatalf("%+v\nwant %+v", got, want)
			}
			low, high := c.Offsets()
			for _, r := range want {
				if r.offset < low || r.offset > high {
					t.Fatalf("offset %d is outside [%d, %d]", r.offset, low, high)
				}
				from, to := c.FindAt(r.ordinal, r.offset)
				for i := range want {
					if (want[i].ordinal == r.ordinal && want[i].offset == r.offset) != (i >= from && i < to) {
						t.Fatalf("FindAt(%d, %d) = [%d, %d) of %+v", r.ordinal, r.offset, from, to, want)
					}
				}
			}
			if from, to := c.FindAt(12345, 1<<40); from != to {
				t.Fatal("somebody is found who is not there")
			}
			next := 0
			for k := range bitmap.ShardBlocks {
				from, to := c.Block(k)
				if from != next {
					t.Fatalf("block %d starts at row %d, want %d", k, from, next)
				}
				for i, x := range c.Ordinals(from, to) {
					i += from
					if int(want[i].ordinal>>16) != k || uint16(want[i].ordinal) != x {
						t.Fatalf("row %d lies in block %d", i, k)
					}
				}
				next = to
			}
			if next != len(want) {
				t.Fatalf("blocks end at row %d of %d", next, len(want))
			}
		}
	})
}

func TestDrop(t *testing.T) {
	r := Rows{Ordinals: []uint32{1, 2, 3}, Offsets: []int64{10, 20, 30}, IDs: []string{"a", "b", "c"},
		Props: []RowsProp{{ID: 1, Kinds: []value.Kind{1, 2, 3}, Data: []int64{1, 2, 3}, Scales: []uint8{0, 1, 2}}, {ID: 2, Kinds: []value.Kind{1, 2, 3}, Data: []int64{1, 2, 3}}}}
	r.Drop([]bool{false, true, false})
	want := Rows{Ordinals: []uint32{1, 3}, Offsets: []int64{10, 30}, IDs: []string{"a", "c"},
		Props: []RowsProp{{ID: 1, Kinds: []value.Kind{1, 3}, Data: []int64{1, 3}, Scales: []uint8{0, 2}}, {ID: 2, Kinds: []value.Kind{1, 3}, Data: []int64{1, 3}}}}
	if got := fmt.Sprint(r); got != fmt.Sprint(want) {
		t.Errorf("%s, want %+v", got, want)
	}
}

func FuzzDecodeChunk(f *testing.F) {
	for i := range 8 {
		encoded, err := chunkOf(rapid.Custom(genRows).Example(i)).AppendTo(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeChunk(data, memory.Heap)
		if err != nil {
			return
		}
		if c.Len() > 1<<16 {
			return // many rows that are all alike take few bytes, and long to walk
		}
		for i := range c.Len() {
			from, to := c.find(c.Ordinal(i))
			if i < from || i >= to {
				t.Fatalf("row %d is not among those of its ordinal, [%d, %d)", i, from, to)
			}
			_, _ = c.Offset(i), c.ID(i)
			for id := range uint32(8) {
				if p := c.Prop(id); p != nil {
					_, _ = p.Kind(i), p.Cell(i)
				}
			}
		}
		once, err := c.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeChunk(once, memory.Heap)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.AppendTo(nil); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x, then %x: %v", once, twice, err)
		}
		_ = Merge([]*Chunk{c, again}).MemoryBytes()
	})
}

// TestBaseOfNone has an empty list of scales claim a scale, which nobody may believe.
func TestBaseOfNone(t *testing.T) {
	data, err := NewChunk(&Rows{Ordinals: []uint32{1}, Offsets: []int64{1}, Props: []RowsProp{{Kinds: []value.Kind{value.Number}, Data: []int64{7}}}}).AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	data = append(data[:len(data)-1], 200, 1) // the base of the last list, 100 in place of 0
	if _, err := DecodeChunk(data, memory.Heap); err == nil {
		t.Error("a chunk with numbers of scale 100 is decoded without an error")
	}
}
