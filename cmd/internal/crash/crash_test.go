package crash

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

func TestKilledServerLosesNothing(t *testing.T) {
	cycles := 6
	if n, set := rig.Number(t, "WHOWHEN_CRASH_CYCLES"); set {
		cycles = int(n)
	} else if testing.Short() {
		t.Skip("starts the program several times")
	}
	ctx, random := context.Background(), rig.Random(t, "WHOWHEN_CRASH_SEED")
	program, dir, writers := rig.Build(t), t.TempDir(), rig.Writers(4)
	slowest := time.Duration(0)
	for cycle := range cycles {
		// Limits so small that it saves, evicts and drops old log all the time.
		s := rig.MustStart(t, dir, rig.Serve(program, dir, "--cache-bytes=1000000", "--log-segment-bytes=50000",
			fmt.Sprintf("--checkpoint-bytes=%d", 20_000+random.IntN(200_000)), fmt.Sprintf("--snapshot-bytes=%d", 50_000+random.IntN(500_000))))
		slowest = max(slowest, s.Took)
		for _, w := range writers {
			if err := w.Check(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		var running sync.WaitGroup
		for _, w := range writers {
			running.Go(func() {
				if err := w.Run(ctx, s); !rig.Gone(err) {
					t.Error(err)
				}
			})
		}
		running.Go(func() {
			if err := rig.Watch(ctx, s, writers); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		s.Kill()
		running.Wait()
		if err := rig.Sound(ctx, dir); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("in cycle %d\n%s", cycle, s.Stderr())
		}
	}
	s := rig.MustStart(t, dir, rig.Serve(program, dir))
	total := 0
	for _, w := range writers {
		if err := w.Check(ctx, s); err != nil {
			t.Fatal(err)
		}
		total += w.Acked
	}
	if slowest > 5*time.Second {
		t.Errorf("one start took %v", slowest)
	}
	t.Logf("%d cycles, %d batches acknowledged, none lost, none twice; the slowest start took %v", cycles, total, slowest.Round(time.Millisecond))
}
