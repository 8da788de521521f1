package main

import (
	"testing"

	"whowhen.dev/whowhen/segments/bench"
)

// TestRedisBits reads bits one by one, as a user of such bitmaps does.
func TestRedisBits(t *testing.T) {
	if !installed() {
		t.Skip("there is no redis-server")
	}
	d := bench.Dataset{CIDs: 70_000, Seed: dataSeed, LastDay: dataLastDay}
	r := &redisEngine{}
	defer func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := r.load(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	var words [bench.BlockWords]uint64
	tags := d.Tags()
	for ordinal := 0; ordinal < d.CIDs; ordinal += 997 {
		tag := ordinal % len(tags)
		d.TagWords(tag, ordinal/bench.BlockOrdinals, &words)
		at := ordinal % bench.BlockOrdinals
		want := int64(words[at/64] >> (at % 64) & 1)
		if got, err := r.client.GetBit(t.Context(), tagKey(tags[tag].Name), int64(ordinal)).Result(); err != nil || got != want {
			t.Fatalf("%s: bit %d is %d, want %d, %v", tags[tag].Name, ordinal, got, want, err)
		}
	}
}
