package index

import "testing"

func TestLateChunks(t *testing.T) {
	d := &EventDay{nextPart: 1<<lateShift | 4} // as the catalog restores it
	for _, part := range []uint32{0, 2, 5, 1<<lateShift | 3, 9<<lateShift | 1} {
		d.chunks = append(d.chunks, &chunkFrag{key: fragKey{part: part}, count: 1})
	}
	if next := d.nextSerial(); next != 6 {
		t.Errorf("the next serial number is %d, want 6", next)
	}
	for class, want := range map[uint32][2]int{0: {0, 3}, 1: {3, 4}, 2: {4, 4}, 9: {4, 5}} {
		if from, to := d.lateGroup(class); [2]int{from, to} != want {
			t.Errorf("class %d stands from %d to %d, want %v", class, from, to, want)
		}
	}
	for days, want := range map[int32]uint32{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 5, 14: 6, 90: 8, 91: 9, LateForever: 9} {
		if got := lateClass(days); got != want {
			t.Errorf("%d days are of class %d, want %d", days, got, want)
		}
	}
	if d.LateDays() != LateForever || (&EventDay{}).LateDays() != 0 {
		t.Errorf("the day is late by %d", d.LateDays())
	}
	// A part from an index of another kind is of the last class, and no panic.
	if days := lateDays(&chunkFrag{key: fragKey{part: 1<<32 - 1}}); days != LateForever {
		t.Errorf("an unknown class is late by %d", days)
	}
	d.EachLate(func(days int32, events int) {
		if events != 1 {
			t.Errorf("%d events are late by %d", events, days)
		}
	})
}
