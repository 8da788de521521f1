package column

import (
	"slices"
	"testing"

	"whowhen.dev/whowhen/segments/value"
)

func TestRead(t *testing.T) {
	c := NewChunk(&Rows{
		Ordinals: []uint32{7, 7, 70_000, 3}, Offsets: []int64{50, 40, 60, -5}, UTC: []int64{NoUTC, 60, -60, 0},
		Props: []RowsProp{{ID: 9, Kinds: make([]value.Kind, 4), Data: make([]int64, 4)}, {ID: 2, Kinds: make([]value.Kind, 4), Data: make([]int64, 4)}},
	})
	to := make([]int64, 3)
	if got := c.ReadOffsets(to, 1); !slices.Equal(got, []int64{40, 50, 60}) {
		t.Errorf("offsets %v", got)
	}
	if got := c.ReadUTC(to, 1); !slices.Equal(got, []int64{60, NoUTC, -60}) {
		t.Errorf("UTC offsets %v", got)
	}
	if got := c.Props([]uint32{1}); !slices.Equal(got, []uint32{1, 9, 2}) {
		t.Errorf("properties %v", got)
	}
	if got := NewChunk(&Rows{Ordinals: []uint32{1}, Offsets: []int64{0}}).ReadUTC(to[:1], 0); got != nil {
		t.Errorf("UTC offsets %v where none is known", got)
	}
}
