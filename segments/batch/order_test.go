package batch

import (
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/value"
)

// TestRowsBehindColumns holds that records are applied in the order they came, rows and columns alike.
func TestRowsBehindColumns(t *testing.T) {
	b := NewBuilder(time.Unix(2e9, 0))
	city := func(name string) []Named { return []Named{{Name: "city", Value: value.Text(name)}} }
	b.Profile(0, ProfileChange{CID: "a", Set: city("one"), TimeMillis: NoTime})
	b.Tag(1, TagChange{CID: "a", Tag: "vip", TimeMillis: NoTime})
	if err := b.ProfileColumns(2, Profiles{CIDs: CIDs{Strings: []string{"a"}}, Set: []Column{
		{Name: "city", Kinds: []value.Kind{value.String}, Data: []int64{0}, Strings: []string{"two"}},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := b.TagColumns(3, Tags{Name: "vip", CIDs: CIDs{Strings: []string{"a"}}, Remove: []bool{true}}); err != nil {
		t.Fatal(err)
	}
	b.Profile(4, ProfileChange{CID: "a", Set: city("three"), TimeMillis: NoTime})
	b.Tag(5, TagChange{CID: "a", Tag: "vip", TimeMillis: NoTime})
	full, rejects := b.Finish()
	if len(rejects) > 0 || len(full.Profiles) != 3 || len(full.Tags) != 3 {
		t.Fatalf("%d tables of profiles, %d of tags, rejects %v", len(full.Profiles), len(full.Tags), rejects)
	}
	for i, want := range []string{"one", "two", "three"} {
		if got := full.Profiles[i].Set[0].Value(0).Str; got != want {
			t.Errorf("table %d sets %q, want %q", i, got, want)
		}
	}
}

// TestUnsetProperty rejects events that take a property away, which only profiles can.
func TestUnsetProperty(t *testing.T) {
	b := NewBuilder(time.Unix(2e9, 0))
	b.Event(0, Event{CID: "a", Name: "open", TimeMillis: NoTime, OffsetMinutes: NoOffset, Properties: []Named{{Name: "p", Value: value.Value{Kind: Unset}}}})
	if err := b.EventColumns(1, Events{Name: "open", CIDs: CIDs{Strings: []string{"a"}}, Props: []Column{{Name: "p", Kinds: []value.Kind{Unset}, Data: []int64{0}}}}); err != nil {
		t.Fatal(err)
	}
	if full, rejects := b.Finish(); full.Records() != 0 || len(rejects) != 2 || rejects[1].Reason != "VALUE_KIND" {
		t.Fatalf("%d records, rejects %+v", full.Records(), rejects)
	}
}
