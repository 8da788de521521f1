package dict

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/memory"
)

func dictOf(t testing.TB, cids ...string) *CIDs {
	t.Helper()
	d := NewCIDs(memory.NewArena())
	if err := d.Resolve(&batch.CIDs{Strings: cids}, make([]uint32, len(cids))); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoadErrors(t *testing.T) {
	long := strings.Repeat("x", 100)
	good := save(dictOf(t, "a", strings.Repeat("0", 32), long), ChunkCIDs).pieces[0]
	changed := func(at int, to byte) []byte {
		data := bytes.Clone(good)
		data[at] = to
		return data
	}
	const bits, keys = pieceHeadBytes, pieceHeadBytes + 1
	for name, c := range map[string]struct {
		counts []int
		data   []byte
		want   string
	}{
		"nothing":                {[]int{3}, nil, "0 bytes"},
		"other count":            {[]int{4}, good, "holds 3 CIDs, and should hold 4"},
		"cut short":              {[]int{3}, good[:20], "too few"},
		"no text":                {[]int{3}, good[:len(good)-1], "key"},
		"text too much":          {[]int{3}, append(bytes.Clone(good), 'x'), "bytes of text"},
		"unknown form":           {[]int{3}, changed(4, 2), "form 2"},
		"bits beyond the end":    {[]int{3}, changed(bits, 0b1101), "more than 3"},
		"none opaque":            {[]int{3}, changed(bits, 0), "none is opaque"},
		"packed said opaque":     {[]int{3}, changed(bits, 0b111), "key"},
		"length 0":               {[]int{3}, changed(keys, 0), "key"},
		"length beyond the key":  {[]int{3}, changed(keys, 16), "key"},
		"something after a text": {[]int{3}, changed(keys+5, 1), "key"},
		"long text too short":    {[]int{3}, changed(keys+2*batch.PackedBytes+1, 15), "key"},
		"long text too long":     {[]int{3}, changed(keys+2*batch.PackedBytes+1, 129), "key"},
		"hexadecimal text":       {[]int{1}, opaqueHex(), "need not be"},
		"count below 1":          {[]int{0}, good, "cannot hold 0"},
		"count beyond a chunk":   {[]int{ChunkCIDs + 1}, good, "cannot hold"},
		"pieces beyond a chunk":  {[]int{ChunkCIDs - 1, 3}, good, "cannot hold 3"},
		"the same twice":         {[]int{3, 3}, good, "are the same"},
	} {
		t.Run(name, func(t *testing.T) {
			err := NewCIDs(memory.NewArena()).Load(c.counts, 2, func(int) ([]byte, error) { return c.data, nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q in it", err, c.want)
			}
		})
	}
	unreadable := errors.New("unreadable")
	if err := NewCIDs(memory.NewArena()).Load([]int{3}, 2, func(int) ([]byte, error) { return nil, unreadable }); !errors.Is(err, unreadable) {
		t.Errorf("an error of read becomes %v", err)
	}
	if err := dictOf(t, "a").Load([]int{3}, 1, func(int) ([]byte, error) { return good, nil }); err == nil {
		t.Error("CIDs are loaded beside others")
	}
}

// opaqueHex returns a piece of one CID that is saved as text though it can be packed.
func opaqueHex() []byte {
	data := append(binary.LittleEndian.AppendUint32(nil, 1), 1, 1)
	data = append(data, longText, 32)
	data = append(data, make([]byte, batch.PackedBytes-2)...)
	return append(data, strings.Repeat("0", 32)...)
}

// FuzzLoad loads any bytes; what can be loaded is what is saved again.
func FuzzLoad(f *testing.F) {
	f.Add(save(dictOf(f, "a", strings.Repeat("0", 32), strings.Repeat("x", 128)), ChunkCIDs).pieces[0])
	f.Add(save(dictOf(f, strings.Repeat("0", 32), strings.Repeat("1", 32)), ChunkCIDs).pieces[0])
	f.Add(opaqueHex())
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 1
		if len(data) >= 4 {
			n = int(min(binary.LittleEndian.Uint32(data), ChunkCIDs))
		}
		d, err := saved{[]int{n}, [][]byte{data}}.load(math.MaxUint32, 1)
		if err != nil {
			return
		}
		var all batch.CIDs
		ordinals, found := make([]uint32, n), make([]uint32, n)
		for i := range ordinals {
			ordinals[i] = uint32(i)
		}
		d.Read(&all, ordinals)
		d.FindAll(&all, found)
		for i, ordinal := range found {
			if ordinal != uint32(i) {
				t.Fatalf("%q has ordinal %d, want %d", all.At(i), ordinal, i)
			}
		}
		if again := d.AppendPiece(nil, 0, n); !bytes.Equal(again, data) {
			t.Fatalf("%x is saved as %x", data, again)
		}
	})
}
