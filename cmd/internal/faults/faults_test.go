//go:build linux && (amd64 || arm64)

package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

// share is how many runs are made when not all are asked for.
const share = 8

// faults returns the ways in which the operations of a scene fail. Which error it is makes little difference, so
// that the second one is for one scene.
func (s *scene) faults() []fault {
	all := []fault{{errno: unix.EIO}, {errno: unix.EIO, stays: true}}
	if s.fullDisk {
		all = append(all, fault{errno: unix.ENOSPC}, fault{errno: unix.ENOSPC, stays: true})
	}
	return all
}

func TestFailingDisk(t *testing.T) {
	wish := os.Getenv("WHOWHEN_FAULTS")
	if wish == "" && testing.Short() {
		t.Skip("starts the program many times")
	}
	if wish != "" && wish != "all" {
		t.Fatalf("WHOWHEN_FAULTS=%s: it can be all, or not set", wish)
	}
	begun := time.Now()
	a := &trials{t: t, program: rig.Build(t), root: t.TempDir()}
	a.canInject()
	all := scenes()
	counts := a.prepare(all)
	var runs []func()
	for i, s := range all {
		for _, f := range s.faults() {
			for n := range counts[i] {
				runs = append(runs, func() { a.run(&s, f.at(n+1)) })
			}
			if wish == "all" {
				// Runs differ a little: go on until one ends before its operation.
				runs = append(runs, func() {
					for n := counts[i] + 1; len(a.run(&s, f.at(n)).failed) > 0; n++ {
					}
				})
			}
		}
	}
	if wish == "" {
		random := rig.Random(t, "WHOWHEN_FAULTS_SEED")
		random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:share]
	}
	beside(runs)
	t.Logf("%d runs in %v\n%v", a.runs, time.Since(begun).Round(time.Second), &a.table)
}

// beside makes runs, several at a time: mostly they wait for a disk or a clock.
func beside(runs []func()) {
	var group errgroup.Group
	group.SetLimit(4 * runtime.GOMAXPROCS(0))
	for _, run := range runs {
		group.Go(func() error { run(); return nil })
	}
	_ = group.Wait() // no run returns an error: they tell the test
}

// trials makes runs of one program and collects what became of them. Its methods may be called from several goroutines.
type trials struct {
	t       *testing.T
	program string
	root    string

	mu    sync.Mutex
	runs  int
	table table
}

// canInject skips the test where the system does not let it hold calls.
func (a *trials) canInject() {
	a.t.Helper()
	command := rig.Serve(a.program, a.root)
	command.Args = append(command.Args[:1], "--help")
	in := inject(a.t, a.root, fault{}, command)
	out, err := command.CombinedOutput()
	if _, _, err := in.wait(); err != nil {
		a.t.Skipf("this system does not let a test decide on the calls of a program (seccomp user notification): %v", err)
	}
	if err != nil {
		a.t.Fatalf("%v\n%s", err, out)
	}
}

// prepare prepares the scenes and returns how many operations each has when nothing fails.
func (a *trials) prepare(all []scene) []int {
	counts := make([]int, len(all))
	var runs []func()
	for i := range all {
		runs = append(runs, func() {
			if err := all[i].prepare(a.t.Context(), a.t, a.program); err != nil {
				a.t.Error(err)
				return
			}
			o := a.run(&all[i], fault{})
			counts[i] = len(o.operations)
			if o.what != wentOn {
				a.t.Errorf("%s, where nothing fails: %s: %s", all[i].name, o.what, o.said)
			}
			a.t.Logf("%s: %d operations", all[i].name, counts[i])
		})
	}
	beside(runs)
	if a.t.Failed() {
		a.t.FailNow()
	}
	return counts
}

// run makes one run.
func (a *trials) run(s *scene, f fault) outcome {
	o, err := a.try(a.t.Context(), s, f)
	if err != nil {
		o.problem("%w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	name := s.name
	if f.number > 0 {
		a.table.add(s, f, o)
		name += fmt.Sprintf(", operation %d fails, %v", f.number, f)
	}
	if len(o.failed) > 0 {
		name += fmt.Sprintf(", %v (%s)", o.failed[0], o.failed[0].path)
	}
	for _, p := range o.problems {
		a.t.Errorf("%s: %s: %v", name, o.what, p)
	}
	return o
}

func (a *trials) try(ctx context.Context, s *scene, f fault) (outcome, error) {
	root, err := os.MkdirTemp(a.root, "")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(root)
	r := trial{t: a.t, program: a.program, dir: filepath.Join(root, "data"), scene: *s, fault: f}
	if r.writers, err = s.begin(r.dir); err != nil {
		return outcome{}, err
	}
	return r.run(ctx), nil
}
