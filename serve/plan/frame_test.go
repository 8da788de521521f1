package plan

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testPlanner(t *testing.T) (*Planner, []*Zone) {
	t.Helper()
	zones := NewZones()
	var all []*Zone
	for _, name := range []string{"UTC", "Europe/Berlin", "Europe/Paris", "Asia/Kathmandu", "Africa/Cairo"} {
		z, err := zones.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, z)
	}
	from := time.Date(2026, 3, 27, 9, 17, 0, 0, time.UTC)
	p, err := New(Message{Seed: "m", From: from, Until: from.AddDate(0, 0, 4), Alternatives: 2}, nil, all[0])
	if err != nil {
		t.Fatal(err)
	}
	return p, all
}

func answers(p *Planner, zones []*Zone) []Answer {
	w := p.Worker()
	var all []Answer
	for i := range 200 {
		var a Answer
		var curve Curve
		for hour := range Hours {
			curve[0][hour] = ChanceOf(float64((hour*7+i)%24) / 30)
			curve[1][hour] = curve[0][hour]
		}
		w.Plan(&Subject{CID: fmt.Sprint(i), Zone: zones[i%len(zones)], ZoneFrom: FromProfile, Place: "ID", Curve: &curve}, &a)
		all = append(all, a)
	}
	return all
}

func TestWorkersAgreeHoweverManyThereAre(t *testing.T) {
	p, zones := testPlanner(t)
	alone, _ := testPlanner(t)
	want := answers(alone, zones)
	sameZone := cmp.Comparer(func(a, b *Zone) bool { return a.name == b.name })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if diff := cmp.Diff(want, answers(p, zones), sameZone); diff != "" {
				t.Error(diff)
			}
		})
	}
	wg.Wait()
	if len(p.alike) != 4 || len(p.frames) != 5 {
		t.Errorf("%d frames for %d zones, of which two agree", len(p.alike), len(p.frames))
	}
}

func TestFramesOverTheBoundAreNotKept(t *testing.T) {
	p, zones := testPlanner(t)
	full, _ := testPlanner(t)
	full.bytes = maxFrameBytes
	sameZone := cmp.Comparer(func(a, b *Zone) bool { return a.name == b.name })
	if diff := cmp.Diff(answers(p, zones), answers(full, zones), sameZone); diff != "" {
		t.Error(diff)
	}
	if len(full.alike) > 0 || len(full.frames) > 0 {
		t.Error("a frame is kept")
	}
}

func TestHash(t *testing.T) {
	// From the FNV authors' table of test vectors.
	for text, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		if got := hash(text); got != want {
			t.Errorf("%q: %x, and should be %x", text, got, want)
		}
	}
	if got := mix(0); got != 0xe220a8397b1dcdaf { // the first number of SplitMix64 from 0
		t.Errorf("%x", got)
	}
}
