package batch

import (
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPackEveryByte puts every byte at every place of a CID that can be packed otherwise.
func TestPackEveryByte(t *testing.T) {
	for at := range 2 * PackedBytes {
		for c := range 256 {
			cid := []byte("0123456789abcdef0123456789abcdef")
			cid[at] = byte(c)
			var packed [PackedBytes]byte
			got, want := Pack(&packed, string(cid)), strings.IndexByte("0123456789abcdef", byte(c)) >= 0
			if got != want || got && hex.EncodeToString(packed[:]) != string(cid) {
				t.Fatalf("%q: packed is %v, want %v; it comes back as %x", cid, got, want, packed)
			}
		}
	}
}

func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cid := rapid.OneOf(rapid.StringMatching(`[0-9a-f]{32}`), rapid.StringMatching(`[0-9a-g]{30,33}`), rapid.String()).Draw(t, "cid")
		var packed [PackedBytes]byte
		want, err := hex.DecodeString(cid)
		packable := err == nil && len(want) == PackedBytes && strings.ToLower(cid) == cid
		if got := Pack(&packed, cid); got != packable || got && string(packed[:]) != string(want) {
			t.Fatalf("%q: packed is %v as %x, want %v as %x", cid, got, packed, packable, want)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	var packed [PackedBytes]byte
	for b.Loop() {
		Pack(&packed, "0123456789abcdef0123456789abcdef")
	}
}
