package dict

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/memory"
)

func genCID() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{32}`),
		rapid.SampledFrom([]string{
			"a", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 128), strings.Repeat("0", 32),
			strings.Repeat("F", 32), strings.Repeat("f", 32), strings.Repeat("0", 31), "日本", strings.Repeat("\x00", 16),
		}),
		rapid.StringMatching(`[a-c]{1,3}`),
		rapid.StringMatching(`[a-b]{16,18}`),
	)
}

// genMask returns which bits of hashes count: all, or few, so that they collide, at the first home or at the last, in one
// partition or in some.
func genMask() *rapid.Generator[uint32] {
	return rapid.SampledFrom([]uint32{math.MaxUint32, 0, 3, 0xc000_0000, 0xffff_0000, 0x8000_0001})
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

// saved is a dictionary in pieces.
type saved struct {
	counts []int
	pieces [][]byte
}

// save saves a dictionary in pieces of sizes, of which the last goes on.
func save(d *CIDs, sizes ...int) (s saved) {
	for first := 0; first < d.Len(); {
		n := min(sizes[0], d.Len()-first, ChunkCIDs-first%ChunkCIDs)
		s.counts, s.pieces = append(s.counts, n), append(s.pieces, d.AppendPiece(nil, first, n))
		first += n
		if len(sizes) > 1 {
			sizes = sizes[1:]
		}
	}
	return s
}

func (s saved) read(i int) ([]byte, error) { return s.pieces[i], nil }

func (s saved) load(mask uint32, workers int) (*CIDs, error) {
	d := NewCIDs(memory.NewArena())
	d.hashMask = mask
	return d, d.Load(s.counts, workers, s.read)
}

// TestCIDsAgainstMap numbers CIDs in a map as well, and saves and loads them on the way.
func TestCIDsAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mask := genMask().Draw(t, "mask")
		d, want := NewCIDs(memory.NewArena()), map[string]uint32{}
		d.hashMask = mask
		var list []string
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			some := rapid.SliceOfN(genCID(), 1, 100).Draw(t, "cids")
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
				sizes := rapid.SliceOfN(rapid.IntRange(1, 100), 1, 5).Draw(t, "pieces")
				loaded, err := save(d, sizes...).load(mask, rapid.IntRange(1, 3).Draw(t, "workers"))
				if err != nil {
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
		if got.Len() != len(order) {
			t.Fatalf("%d CIDs read of %d", got.Len(), len(order))
		}
		for i, cid := range order {
			if got.At(i) != cid {
				t.Fatalf("ordinal %d is %q, want %q", ordinals[i], got.At(i), cid)
			}
		}
		asked := append(rapid.SliceOfN(genCID(), 0, 50).Draw(t, "asked"), order...)
		found := make([]uint32, len(asked))
		d.FindAll(column(asked), found)
		for i, cid := range asked {
			ordinal, known := want[cid]
			if !known {
				ordinal = Nobody
			}
			if one, is := d.Find(cid); found[i] != ordinal || one != ordinal || is != known {
				t.Fatalf("%q has ordinal %d and %d, want %d", cid, found[i], one, ordinal)
			}
		}
	})
}

// nth returns a CID of one of the kinds.
func nth(i int) string {
	switch i % 3 {
	case 0:
		return fmt.Sprintf("%032x", i)
	case 1:
		return fmt.Sprint("short ", i)
	default:
		return fmt.Sprintf("a longer one that does not fit into a key, number %d", i)
	}
}

func fillUp(t *testing.T, d *CIDs, total int) {
	t.Helper()
	for from := d.Len(); from < total; from += 5000 {
		var list []string
		for i := from; i < min(total, from+5000); i++ {
			list = append(list, nth(i))
		}
		ordinals := make([]uint32, len(list))
		if err := d.Resolve(column(list), ordinals); err != nil {
			t.Fatal(err)
		}
		for i, ordinal := range ordinals {
			if ordinal != uint32(from+i) {
				t.Fatalf("%q has ordinal %d, want %d", list[i], ordinal, from+i)
			}
		}
	}
}

// checkAll looks up everybody both ways.
func checkAll(t *testing.T, d *CIDs, total int) {
	t.Helper()
	if d.Len() != total {
		t.Fatalf("%d CIDs, want %d", d.Len(), total)
	}
	list, ordinals := make([]string, total), make([]uint32, total)
	for i := range list {
		list[i] = nth(i)
	}
	d.FindAll(&batch.CIDs{Strings: list}, ordinals)
	for i, ordinal := range ordinals {
		if ordinal != uint32(i) {
			t.Fatalf("%q has ordinal %d, want %d", list[i], ordinal, i)
		}
	}
	var back batch.CIDs
	d.Read(&back, ordinals)
	for i := range list {
		if back.At(i) != list[i] {
			t.Fatalf("ordinal %d is %q, want %q", i, back.At(i), list[i])
		}
	}
	d.FindAll(&batch.CIDs{Strings: []string{nth(total), nth(total + 1), nth(total + 2), "", strings.Repeat("x", 1000)}}, ordinals[:5])
	for i, ordinal := range ordinals[:5] {
		if ordinal != Nobody {
			t.Fatalf("stranger %d has ordinal %d", i, ordinal)
		}
	}
}

// TestManyCIDs crosses the borders of chunks and blocks, and grows and splits partitions, with readers at work.
func TestManyCIDs(t *testing.T) {
	d := NewCIDs(memory.NewArena())
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(1, 2))
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := d.Len()
				if n == 0 {
					continue
				}
				asked := []uint32{0, uint32(rng.IntN(n)), uint32(n - 1)}
				var c batch.CIDs
				d.Read(&c, asked)
				found := make([]uint32, c.Len())
				d.FindAll(&c, found)
				for i, ordinal := range asked {
					one, known := d.Find(c.At(i))
					if c.At(i) != nth(int(ordinal)) || found[i] != ordinal || one != ordinal || !known {
						t.Errorf("ordinal %d is %q, which has ordinals %d and %d", ordinal, c.At(i), found[i], one)
						return
					}
				}
			}
		})
	}
	const total = 3*ChunkCIDs + 1000
	fillUp(t, d, total)
	fillUp(t, d, total)
	close(stop)
	readers.Wait()
	checkAll(t, d, total)
	loaded, err := save(d, 1000, ChunkCIDs-1000, 7, 13, ChunkCIDs).load(math.MaxUint32, 2)
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, loaded, total)
	fillUp(t, loaded, total+2*ChunkCIDs)
	checkAll(t, loaded, total+2*ChunkCIDs)
}

// TestCrowdedPartitions has hashes of which most or all fall into few partitions or upon few homes.
func TestCrowdedPartitions(t *testing.T) {
	for _, c := range []struct {
		mask  uint32
		total int
	}{
		{0xffff_f000, 3 * partCIDs}, // one partition takes all
		{0x0000_0fff, 3 * partCIDs}, // many equal hashes, all near the first home
		{0xf000_0000, partCIDs / 2}, // some hashes, the last home among them
	} {
		d := NewCIDs(memory.NewArena())
		d.hashMask = c.mask
		fillUp(t, d, c.total)
		checkAll(t, d, c.total)
		loaded, err := save(d, 10_000).load(c.mask, 2)
		if err != nil {
			t.Fatal(err)
		}
		checkAll(t, loaded, c.total)
		fillUp(t, loaded, c.total+100)
		checkAll(t, loaded, c.total+100)
	}
}

// exact says how much a dictionary takes by asking its arena.
func exact(d *CIDs) int {
	heads := cap(d.keys.chunks)*chunkHeadBytes + cap(d.keys.texts)*blockHeadBytes + cap(d.table.parts)*partHeadBytes
	return int(d.table.arena.UsedBytes()) + heads
}

// TestMemory holds the memory of packed CIDs against what is promised, at all sizes up to some.
func TestMemory(t *testing.T) {
	total := 2_100_000 // growth repeats when the number doubles
	if testing.Short() {
		total = 1_200_000
	}
	const step = 10_000
	d := NewCIDs(memory.NewArena())
	rng := rand.New(rand.NewPCG(3, 4))
	ordinals := make([]uint32, step)
	worst, at := 0.0, 0
	for d.Len() < total {
		if err := d.Resolve(&batch.CIDs{Packed: packed(rng, step)}, ordinals); err != nil {
			t.Fatal(err)
		}
		if d.MemoryBytes() != exact(d) {
			t.Fatalf("MemoryBytes says %d, it is %d", d.MemoryBytes(), exact(d))
		}
		if each := float64(d.MemoryBytes()) / float64(d.Len()); d.Len() >= 1_000_000 && each > worst {
			worst, at = each, d.Len()
		}
	}
	t.Logf("%.2f bytes a CID at %d CIDs, the most", worst, at)
	if worst > 30 {
		t.Errorf("%.2f bytes a CID at %d CIDs", worst, at)
	}
	loaded, err := save(d, ChunkCIDs).load(math.MaxUint32, 2)
	if err != nil {
		t.Fatal(err)
	}
	if each := float64(loaded.MemoryBytes()) / float64(loaded.Len()); each > 30 || loaded.MemoryBytes() != exact(loaded) {
		t.Errorf("%.2f bytes a CID after loading; MemoryBytes says %d, it is %d", each, loaded.MemoryBytes(), exact(loaded))
	}

	small := NewCIDs(memory.NewArena())
	if small.MemoryBytes() != 0 {
		t.Errorf("nobody takes %d bytes", small.MemoryBytes())
	}
	fillUp(t, small, 10)
	if small.MemoryBytes() > 16<<10 || small.MemoryBytes() != exact(small) {
		t.Errorf("10 CIDs take %d bytes; MemoryBytes says %d", exact(small), small.MemoryBytes())
	}
}

// TestMemoryIsGivenBack waits for a dictionary to be collected.
func TestMemoryIsGivenBack(t *testing.T) {
	arena := memory.NewArena()
	d := NewCIDs(arena)
	fillUp(t, d, ChunkCIDs+5)
	if arena.UsedBytes() == 0 {
		t.Fatal("the arena is not used")
	}
	runtime.KeepAlive(d)
	d = nil
	for deadline := time.Now().Add(10 * time.Second); arena.UsedBytes() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes of a dictionary that nobody has are still in use", arena.UsedBytes())
		}
		runtime.GC()
	}
}

// TestGrowthIsGradual bounds what a single CID may cause.
func TestGrowthIsGradual(t *testing.T) {
	tab := table{arena: memory.NewArena()}
	rng := rand.New(rand.NewPCG(5, 6))
	for ordinal := range uint32(500_000) {
		moved, err := tab.insert(rng.Uint32(), ordinal)
		if err != nil {
			t.Fatal(err)
		}
		if moved > 5*partCIDs {
			t.Fatalf("ordinal %d moves %d others", ordinal, moved)
		}
	}
}

func TestCIDsDoNotAllocate(t *testing.T) {
	const n = 20_000
	d := NewCIDs(memory.NewArena())
	rng := rand.New(rand.NewPCG(7, 8))
	known, ordinals := &batch.CIDs{Packed: packed(rng, n)}, make([]uint32, n)
	if err := d.Resolve(known, ordinals); err != nil {
		t.Fatal(err)
	}
	asText := &batch.CIDs{}
	for i := range n {
		asText.Strings = append(asText.Strings, known.At(i))
	}
	var to batch.CIDs
	for what, f := range map[string]func(){
		"Resolve of packed CIDs": func() {
			if err := d.Resolve(known, ordinals); err != nil {
				t.Error(err)
			}
		},
		"Resolve of text": func() {
			if err := d.Resolve(asText, ordinals); err != nil {
				t.Error(err)
			}
		},
		"FindAll": func() { d.FindAll(asText, ordinals) },
		"Find":    func() { d.Find(asText.Strings[7]) },
		"Read":    func() { d.Read(&to, ordinals) },
	} {
		if n := testing.AllocsPerRun(5, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

func TestCIDsThatCannotBeNumbered(t *testing.T) {
	d := NewCIDs(memory.NewArena())
	d.most = 3
	ordinals := make([]uint32, 2)
	for _, text := range []string{"", strings.Repeat("x", batch.MaxCIDBytes+1)} {
		if err := d.Resolve(&batch.CIDs{Strings: []string{"a", text}}, ordinals); err == nil {
			t.Errorf("a CID of %d bytes is numbered", len(text))
		}
	}
	for range 2 {
		if err := d.Resolve(&batch.CIDs{Strings: []string{"b", "c"}}, ordinals); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Resolve(&batch.CIDs{Strings: []string{"a", "d"}}, ordinals); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if ordinal, found := d.Find("c"); !found || ordinal != 2 || d.Len() != 3 {
		t.Errorf("c has ordinal %d of %d", ordinal, d.Len())
	}
	pieces := save(d, ChunkCIDs)
	full := NewCIDs(memory.NewArena())
	full.most = 2
	if err := full.Load(pieces.counts, 1, pieces.read); !errors.Is(err, ErrFull) {
		t.Errorf("one too many loaded: %v", err)
	}
}

// TestFreedTwice has a dictionary give its memory back before it is collected.
func TestFreedTwice(t *testing.T) {
	arena := memory.NewArena()
	d := NewCIDs(arena)
	fillUp(t, d, 1000)
	for range 2 {
		d.free()
		if arena.UsedBytes() > 0 {
			t.Errorf("%d bytes are in use", arena.UsedBytes())
		}
	}
}
