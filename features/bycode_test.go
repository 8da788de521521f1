package features

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

func TestByCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b byCode[uint32]
		twin := map[int64]uint32{}
		code := rapid.OneOf(rapid.Int64Range(0, 40), rapid.Int64Range(2*mostListed-4, 2*mostListed+4), rapid.Int64Range(-4, 4), rapid.Int64())
		for range rapid.IntRange(0, 60).Draw(t, "times") {
			c := code.Draw(t, "code")
			if b.of(c) != twin[c] {
				t.Fatalf("%d has %d, want %d", c, b.of(c), twin[c])
			}
			n := rapid.Uint32Range(1, 9).Draw(t, "number")
			b.set(c, n)
			twin[c] = n
		}
		got := map[int64]uint32{}
		b.each(func(c int64, n uint32) { got[c] = n })
		if !maps.Equal(got, twin) {
			t.Fatalf("%v, want %v", got, twin)
		}
	})
}
