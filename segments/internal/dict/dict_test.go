package dict

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

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

func FuzzDecodeStrings(f *testing.F) {
	f.Add(AppendStrings(nil, []string{"a", "", "日本"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := DecodeStrings(data)
		if err != nil {
			return
		}
		again, err := DecodeStrings(AppendStrings(nil, list))
		if err != nil || !slices.Equal(list, again) {
			t.Fatalf("%q, then %q: %v", list, again, err)
		}
	})
}
