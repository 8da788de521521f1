package dict

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
)

func genCID() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{32}`),
		rapid.SampledFrom([]string{"a", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 128), strings.Repeat("0", 32), strings.Repeat("F", 32), strings.Repeat("f", 32), strings.Repeat("0", 31), "日本"}),
		rapid.StringMatching(`[a-c]{1,3}`),
	)
}

// column returns the CIDs packed where all can be.
func column(list []string) *batch.CIDs {
	c := &batch.CIDs{}
	for _, cid := range list {
		var packed [batch.PackedBytes]byte
		if !batch.Pack(&packed, cid) {
			return &batch.CIDs{Strings: list}
		}
		c.Packed = append(c.Packed, packed[:]...)
	}
	return c
}

// TestCIDsAgainstMap numbers CIDs in a map as well, and saves and loads them on the way.
func TestCIDsAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, want := NewCIDs(), map[string]uint32{}
		var list []string
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			some := rapid.SliceOfN(genCID(), 1, 30).Draw(t, "cids")
			ordinals := make([]uint32, len(some))
			if err := d.Resolve(column(some), ordinals); err != nil {
				t.Fatal(err)
			}
			for i, cid := range some {
				if _, found := want[cid]; !found {
					want[cid] = uint32(len(want))
					list = append(list, cid)
				}
				if ordinals[i] != want[cid] {
					t.Fatalf("%q has ordinal %d, want %d", cid, ordinals[i], want[cid])
				}
			}
			if rapid.Bool().Draw(t, "reload") {
				loaded := NewCIDs()
				if err := loaded.LoadChunk(d.AppendChunk(nil, 0, d.Len())); err != nil {
					t.Fatal(err)
				}
				d = loaded
			}
		}
		if d.Len() != len(list) {
			t.Fatalf("%d CIDs, want %d", d.Len(), len(list))
		}
		order := rapid.Permutation(list).Draw(t, "order")
		ordinals := make([]uint32, len(order))
		for i, cid := range order {
			ordinal, found := d.Find(cid)
			if !found || ordinal != want[cid] {
				t.Fatalf("Find(%q) = %d, %v", cid, ordinal, found)
			}
			ordinals[i] = ordinal
		}
		got := batch.CIDs{Strings: []string{"left over"}}
		d.Read(&got, ordinals)
		for i, cid := range order {
			if got.At(i) != cid {
				t.Fatalf("ordinal %d is %q, want %q", ordinals[i], got.At(i), cid)
			}
		}
		if _, found := d.Find("nobody"); found {
			t.Fatal("somebody is found who never came")
		}
	})
}

// TestManyCIDs crosses the borders of chunks and grows the table, with readers at work.
func TestManyCIDs(t *testing.T) {
	d := NewCIDs()
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if n := d.Len(); n > 0 {
					var c batch.CIDs
					d.Read(&c, []uint32{0, uint32(n - 1)})
					if ordinal, found := d.Find(c.At(1)); !found || ordinal != uint32(n-1) {
						t.Errorf("ordinal %d is %q, which has ordinal %d", n-1, c.At(1), ordinal)
						return
					}
				}
			}
		})
	}
	const total = 2*ChunkCIDs + 1000
	for from := 0; from < total; from += 5000 {
		var list []string
		for i := from; i < min(total, from+5000); i++ {
			switch i % 3 {
			case 0:
				list = append(list, fmt.Sprintf("%032x", i))
			case 1:
				list = append(list, fmt.Sprint("short ", i))
			default:
				list = append(list, fmt.Sprintf("a longer one that goes into the arena, number %d", i))
			}
		}
		if err := d.Resolve(column(list), make([]uint32, len(list))); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	loaded := NewCIDs()
	for first := 0; first < total; first += ChunkCIDs {
		if err := loaded.LoadChunk(d.AppendChunk(nil, first, min(ChunkCIDs, total-first))); err != nil {
			t.Fatal(err)
		}
	}
	for i := uint32(0); i < total; i += 777 {
		var a, b batch.CIDs
		d.Read(&a, []uint32{i})
		loaded.Read(&b, []uint32{i})
		if ordinal, found := loaded.Find(a.At(0)); a.At(0) != b.At(0) || !found || ordinal != i {
			t.Fatalf("ordinal %d: %q, loaded %q with ordinal %d", i, a.At(0), b.At(0), ordinal)
		}
	}
}

func TestStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "b"})), 0, 30).Draw(t, "strings")
		d, want := NewStrings(), map[string]uint32{}
		for _, s := range list {
			code := d.Add(s)
			if before, found := want[s]; found && before != code || !found && int(code) != len(want) {
				t.Fatalf("%q has code %d", s, code)
			}
			want[s] = code
		}
		loaded := NewStrings()
		if err := loaded.LoadStrings(AppendStrings(nil, d.All())); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.All(), loaded.All()) {
			t.Fatalf("%q, loaded %q", d.All(), loaded.All())
		}
		for s, code := range want {
			if got, found := loaded.Find(s); !found || got != code {
				t.Fatalf("%q has code %d, loaded %d", s, code, got)
			}
		}
	})
}

func TestDamagedStrings(t *testing.T) {
	if err := NewStrings().LoadStrings(AppendStrings(nil, []string{"a", "a"})); err == nil {
		t.Error("a string with two codes is loaded without an error")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(AppendStrings(nil, []string{"a", "", "日本"}))
	d := NewCIDs()
	if err := d.Resolve(&batch.CIDs{Strings: []string{"a", strings.Repeat("0", 32), strings.Repeat("x", 128)}}, make([]uint32, 3)); err != nil {
		f.Fatal(err)
	}
	f.Add(d.AppendChunk(nil, 0, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := DecodeStrings(data); err == nil {
			again, err := DecodeStrings(AppendStrings(nil, list))
			if err != nil || !slices.Equal(list, again) {
				t.Fatalf("%q, then %q: %v", list, again, err)
			}
		}
		d := NewCIDs()
		if err := d.LoadChunk(data); err == nil {
			ordinals := make([]uint32, d.Len())
			for i := range ordinals {
				ordinals[i] = uint32(i)
			}
			var c batch.CIDs
			d.Read(&c, ordinals)
			if c.Len() != d.Len() {
				t.Fatalf("%d CIDs read of %d", c.Len(), d.Len())
			}
		}
	})
}
