package bitmap

import (
	"bytes"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// genBitmap draws a bitmap of blocks of all kinds.
func genBitmap(t *rapid.T) *Bitmap {
	b := &Bitmap{}
	for k := range ShardBlocks {
		if block := genBlock(t, "block"); block.Count() > 0 {
			b.present |= 1 << k
			b.blocks = append(b.blocks, block)
			b.count += block.Count()
		}
	}
	return b
}

// TestFormatAgainstLibrary reads with the roaring library what is written here, and the other way round.
func TestFormatAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genBitmap(t)
		data, err := b.AppendTo([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		data = data[len("before"):]
		theirs := roaring.New()
		if n, err := theirs.ReadFrom(bytes.NewReader(data)); err != nil || n != int64(len(data)) {
			t.Fatalf("the library reads %d of %d bytes: %v", n, len(data), err)
		}
		if err := theirs.Validate(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(theirs.ToArray(), collect(b)) {
			t.Fatal("the library reads other members")
		}
		optimize := rapid.Bool().Draw(t, "optimize")
		if optimize {
			theirs.RunOptimize()
		} else {
			theirs = roaring.BitmapOf(collect(b)...)
		}
		written, err := theirs.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		if optimize && !bytes.Equal(written, data) {
			t.Fatalf("the library writes %d bytes, other than the %d here", len(written), len(data))
		}
		back, err := Decode(written, memory.Heap)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(collect(back), collect(b)) || back.Count() != b.Count() {
			t.Fatal("Decode of what the library wrote differs")
		}
		moved, err := back.Relocate(memory.Heap)
		if err != nil {
			t.Fatal(err)
		}
		back.Each(func(uint32) {})
		for i := range back.blocks { // what moved keeps nothing of the original
			clear(back.blocks[i].array)
			if back.blocks[i].words != nil {
				back.blocks[i].words.Clear()
			}
		}
		if !slices.Equal(collect(moved), collect(b)) {
			t.Fatal("Relocate differs")
		}
	})
}

// TestDamageAgainstLibrary flips and cuts: whatever Decode takes, the library takes as the same members.
func TestDamageAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := genBitmap(t).AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "cut") {
			data = data[:rapid.IntRange(0, len(data)).Draw(t, "length")]
		} else {
			for range rapid.IntRange(1, 3).Draw(t, "flips") {
				data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		}
		b, err := Decode(data, memory.Heap)
		if err != nil {
			return
		}
		theirs := roaring.New()
		if _, err := theirs.ReadFrom(bytes.NewReader(data)); err != nil {
			t.Fatalf("Decode takes what the library does not: %v", err)
		}
		if err := theirs.Validate(); err != nil {
			t.Fatalf("Decode takes what the library finds invalid: %v", err)
		}
		if !slices.Equal(theirs.ToArray(), collect(b)) {
			t.Fatal("the library reads other members")
		}
	})
}
