package civil

import (
	"testing"
	"time"
)

func TestLocal(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := NewZone(l)
		for seconds := int64(-3_000_000_000); seconds < 3_000_000_000; seconds += 777_777 {
			shown := time.Unix(seconds, 0).In(l)
			_, offset := shown.Zone()
			if got := z.Local(seconds); got != seconds+int64(offset) {
				t.Fatalf("at %s the clock shows %d, want %d", shown, got, seconds+int64(offset))
			}
		}
	}
}
