package memory

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestArenaAgainstCopies allocates, fills and frees, and compares contents with copies: nothing may overlap or change.
func TestArenaAgainstCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewArena()
		type piece struct{ given, copied []byte }
		var pieces []piece
		used := int64(0)
		sizes := rapid.OneOf(rapid.IntRange(0, 5000), rapid.IntRange(5000, 60_000), rapid.SampledFrom([]int{64, 65, 4096, 4097, PageBytes, PageBytes + 1, 1 << 20}))
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(pieces) > 0 && rapid.IntRange(0, 2).Draw(t, "free") == 0 {
				at := rapid.IntRange(0, len(pieces)-1).Draw(t, "which")
				used -= int64(RoundUp(len(pieces[at].given)))
				a.Free(pieces[at].given)
				pieces[at] = pieces[len(pieces)-1]
				pieces = pieces[:len(pieces)-1]
			} else {
				n := sizes.Draw(t, "size")
				b, err := a.Alloc(n)
				if err != nil {
					t.Fatal(err)
				}
				if len(b) != n || cap(b) != n || n > 0 && address(b)%64 != 0 {
					t.Fatalf("%d bytes asked for: length %d, capacity %d, at %x", n, len(b), cap(b), address(b))
				}
				for k := 0; k < len(b); k += 61 {
					b[k] = byte(i*31 + k)
				}
				pieces = append(pieces, piece{b, bytes.Clone(b)})
				used += int64(RoundUp(n))
			}
			if got := a.UsedBytes(); got != used {
				t.Fatalf("%d bytes in use, want %d", got, used)
			}
			if idle := a.ResidentBytes() - used; idle < 0 || idle > used/16+32<<20+regionBytes {
				t.Fatalf("%d bytes are kept beside %d in use", idle, used)
			}
		}
		for _, p := range pieces {
			if !bytes.Equal(p.given, p.copied) {
				t.Fatalf("a piece of %d bytes has changed", len(p.given))
			}
			a.Free(p.given)
		}
		if a.UsedBytes() != 0 {
			t.Fatalf("%d bytes in use after all came back", a.UsedBytes())
		}
		a.trim()
		if len(a.regions) != 0 || a.idleBytes != 0 {
			t.Fatalf("%d regions and %d idle bytes are left", len(a.regions), a.idleBytes)
		}
	})
}

// TestHuge asks for more than a region holds, and gives so much back that the system must get it.
func TestHuge(t *testing.T) {
	a := NewArena()
	var pieces [][]byte
	for _, n := range []int{regionBytes + 1, regionBytes / 2, regionBytes/2 - 1} {
		b, err := a.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		b[0], b[n-1] = 1, 1
		pieces = append(pieces, b)
	}
	for _, b := range pieces {
		a.Free(b)
	}
	if resident := a.ResidentBytes(); resident > 32<<20 {
		t.Errorf("%d bytes are kept after all came back", resident)
	}
}

// TestSmallPieces holds that what is resident counts pages of which one piece is left, and that Release gives all back.
func TestSmallPieces(t *testing.T) {
	a := NewArena()
	var pieces [][]byte
	for range 1000 * PageBytes / 64 {
		b, err := a.Alloc(64)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, b)
	}
	for i, b := range pieces {
		if i%(PageBytes/64) != 0 {
			a.Free(b)
		}
	}
	if used, resident := a.UsedBytes(), a.ResidentBytes(); used != 64*1000 || resident < 1000*PageBytes {
		t.Errorf("%d bytes in use and %d resident, with a piece of each of 1000 pages given out", used, resident)
	}
	for i := 0; i < len(pieces); i += PageBytes / 64 {
		a.Free(pieces[i])
	}
	a.Release()
	if resident := a.ResidentBytes(); resident != 0 || len(a.regions) != 0 {
		t.Errorf("%d bytes in %d regions are left", resident, len(a.regions))
	}
}

func TestFreeOfWhatWasNotGiven(t *testing.T) {
	a := NewArena()
	small, err := a.Alloc(100)
	if err != nil {
		t.Fatal(err)
	}
	large, err := a.Alloc(100_000)
	if err != nil {
		t.Fatal(err)
	}
	a.Free(large)
	for name, b := range map[string][]byte{"twice": large, "a part": small[64:], "foreign": make([]byte, 9000)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Free of memory given back %s does not panic", name)
				}
			}()
			a.Free(b)
		}()
	}
}

func TestCast(t *testing.T) {
	b, err := Heap(24)
	if err != nil {
		t.Fatal(err)
	}
	Uint64s(b)[2] = 0x0102030405060708
	if got := Uint16s(b)[8]; got != 0x0708 && got != 0x0102 {
		t.Errorf("the same memory as 16-bit words is %x", got)
	}
	for _, wrong := range [][]byte{b[1:9], b[:7]} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes at %x became words", len(wrong), address(wrong))
				}
			}()
			Uint64s(wrong)
		}()
	}
}

func BenchmarkArena(b *testing.B) {
	a := NewArena()
	for b.Loop() {
		p, err := a.Alloc(128 << 10)
		if err != nil {
			b.Fatal(err)
		}
		a.Free(p)
	}
}
