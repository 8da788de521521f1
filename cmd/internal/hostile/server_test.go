//go:build linux

package hostile

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

func TestServerUnderAttack(t *testing.T) {
	needsTime(t)
	ctx := t.Context()
	dir := t.TempDir()
	s := rig.MustStart(t, dir, rig.Serve(rig.Build(t), dir))
	pid := s.Process.Process.Pid
	friend := &honest{server: s, writer: rig.Writers(1)[0]}
	friendly, leave := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- friend.run(friendly) }()
	defer leave()
	time.Sleep(300 * time.Millisecond)
	base := memoryMiB(t, pid, "VmRSS")
	friend.report()
	lasting := 60 * time.Millisecond
	if whole() {
		lasting = 3 * time.Second
	}
	t.Logf("base %.0f MiB", base)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			forgetPeak(t, pid)
			seen := a.run(t.Context(), newTarget(t, s.Address), lasting)
			more := memoryMiB(t, pid, "VmHWM") - base
			calls, retries, slowest := friend.report()
			t.Logf("| %-50s | %4.0f MiB more | %5d honest calls, %3d retries, slowest %5d ms | %s", a.name, more, calls, retries, slowest.Milliseconds(), seen)
			if more > mostAboveBaseMiB {
				t.Errorf("the server took %.0f MiB more than its base of %.0f", more, base)
			}
			a.judge(t, seen)
		})
		select {
		case err := <-ended:
			t.Fatalf("%s: %v\n%s", a.name, err, s.Stderr())
		default:
		}
	}
	leave()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	// What was acknowledged last may have to wait until what came before it is visible.
	var err error
	for begun := time.Now(); time.Since(begun) < 10*time.Second; pause(ctx, 50*time.Millisecond) {
		if err = friend.writer.Check(ctx, s); err == nil {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
	t.Logf("resident at the end: %.0f MiB", memoryMiB(t, pid, "VmRSS"))
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// judge checks that nothing came of an attack but what may.
func (a attack) judge(t *testing.T, seen *outcomes) {
	t.Helper()
	right := 0
	for outcome, n := range seen.n {
		switch {
		case slices.Contains(a.want, outcome):
			right += n
		case a.busy && (outcome == busy || outcome == closed || outcome == "REQUEST_TOO_SLOW"):
		default:
			t.Errorf("%d times %s", n, outcome)
		}
	}
	if right == 0 && len(seen.n) > 0 && !a.busy {
		t.Errorf("none of %v", a.want)
	}
}

// run lets all clients do their worst for a while and returns what came of it. Requests on their way by then
// get a little longer to be answered.
func (a attack) run(ctx context.Context, at *target, lasting time.Duration) *outcomes {
	clients, patience := a.clients, 200*time.Millisecond
	if whole() {
		clients, patience = a.all, 4*time.Second
	}
	act := a.make(at)
	over, stop := context.WithTimeout(ctx, lasting)
	defer stop()
	answered, giveUp := context.WithTimeout(ctx, lasting+patience)
	defer giveUp()
	if a.holds {
		answered = over
	}
	seen := &outcomes{}
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for first := true; first || over.Err() == nil; first = false {
				seen.add(act(answered, client))
			}
		})
	}
	running.Wait()
	return seen
}
