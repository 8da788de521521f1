//go:build linux && (amd64 || arm64)

package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// What became of a run, as far as the promises allow it.
const (
	wentOn    = "went on"
	readOnly  = "read-only"
	refused   = "did not start"
	damaged   = "reads refused, the index being damaged, until the restart"
	notAtStop = ", said at the stop what failed"
)

// outcome is what became of a run.
type outcome struct {
	operations []operation // all of it, in order
	failed     []operation
	what       string
	said       string // by the program, of what failed
	left       []string
	problems   []error
}

func (o *outcome) problem(format string, args ...any) {
	o.problems = append(o.problems, fmt.Errorf(format, args...))
}

// trial is one run of the program on a disk that fails, and the restart after it.
type trial struct {
	t       testing.TB
	program string
	dir     string
	scene   scene
	fault   fault
	writers []*rig.Writer
	outcome outcome
}

func (r *trial) serve() *exec.Cmd { return rig.Serve(r.program, r.dir, r.scene.flags...) }

// run runs the program under the fault and then without.
func (r *trial) run(ctx context.Context) outcome {
	command := r.serve()
	in := inject(r.t, r.dir, r.fault, command)
	s, err := rig.Start(r.t, r.dir, command)
	if err == nil {
		r.use(ctx, s, in)
		r.stop(s)
	} else {
		r.notStarted(command, in.first(), err)
	}
	o := &r.outcome
	o.operations, o.failed, err = in.wait()
	if err != nil {
		o.problem("the injector: %w", err)
	}
	r.restart(ctx)
	return *o
}

// notStarted judges a program that ended, or was ended, before it answered.
func (r *trial) notStarted(command *exec.Cmd, first operation, err error) {
	o := &r.outcome
	o.what, o.said = refused, message(err.Error())
	if endsProcess(first) {
		o.what, o.said = refused+", Badger having ended the process", err.Error()
	}
	if code := command.ProcessState.ExitCode(); code != 1 {
		o.problem("starting ended with %v rather than exit code 1:\n%w", command.ProcessState, err)
	} else if !strings.Contains(o.said, r.fault.errno.Error()) {
		o.problem("starting failed without saying of what: %w", err)
	}
	r.noTrace(err.Error())
}

// use writes and asks until the work is done or refused for good.
func (r *trial) use(ctx context.Context, s *rig.Server, in *injector) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o := &r.outcome
	o.what = wentOn
	for range r.scene.rounds {
		for _, w := range r.writers {
			if err := r.write(ctx, s, w); err != nil {
				o.what = readOnly
				if ended(s) {
					return
				}
				if in.first() == (operation{}) {
					o.problem("refused before anything had failed: %w", err)
				}
				if err := refusal(err); err != nil {
					o.problem("refused %w", err)
				}
			}
		}
		if o.what == readOnly {
			break
		}
		r.saved(ctx, s)
	}
	if r.scene.idle > 0 {
		select {
		case <-s.Exited:
			return
		case <-time.After(r.scene.idle):
		}
	}
	r.again(ctx, s)
	r.look(ctx, s, in)
}

// again sends batches that are acknowledged: the first and the last of each writer. They must not count twice, which a
// later Check would see.
func (r *trial) again(ctx context.Context, s *rig.Server) {
	for _, w := range r.writers {
		for _, n := range slices.Compact([]int{1, w.Acked}) {
			if w.Acked == 0 {
				continue
			}
			earlier := rig.Writer{ID: w.ID, Acked: n - 1}
			if err := r.write(ctx, s, &earlier); err != nil && !ended(s) {
				if err := refusal(err); err != nil {
					r.outcome.problem("sending batch %d again: refused %w", n, err)
				}
			}
		}
	}
}

// write sends a batch, and again while it is refused for a time only.
func (r *trial) write(ctx context.Context, s *rig.Server, w *rig.Writer) error {
	for attempt := 0; ; attempt++ {
		err := w.Write(ctx, s)
		info := errorInfo(err)
		if err == nil || info == nil || !info.GetRetryable() || attempt == 3 {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// refusal returns what is wrong with the error of a write that was refused, or nil.
func refusal(err error) error {
	info := errorInfo(err)
	switch {
	case info == nil:
		return fmt.Errorf("without a reason: %w", err)
	case !slices.Contains([]string{"READ_ONLY", "DISK_FULL"}, info.GetReason()):
		return fmt.Errorf("for the wrong reason, %s: %w", info.GetReason(), err)
	}
	return nil
}

func errorInfo(err error) *whowhenv1.ErrorInfo {
	var rpc *connect.Error
	if !errors.As(err, &rpc) {
		return nil
	}
	for _, d := range rpc.Details() {
		if v, err := d.Value(); err == nil {
			if info, ok := v.(*whowhenv1.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}

// saved waits until the index is saved, so that runs do the same in the same order, but not for long: it may never be.
func (r *trial) saved(ctx context.Context, s *rig.Server) {
	for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; time.Sleep(time.Millisecond) {
		status, err := s.Admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
		if err != nil || !status.Msg.GetWritable() || status.Msg.GetCheckpointPosition() == status.Msg.GetDurablePosition() {
			return
		}
	}
}

// look asks whether reads are answered, rightly, and whether the status says how the app is.
func (r *trial) look(ctx context.Context, s *rig.Server, in *injector) {
	o := &r.outcome
	for _, w := range r.writers {
		var err error
		for begun := time.Now(); time.Since(begun) < 2*time.Second; time.Sleep(10 * time.Millisecond) {
			if err = w.Check(ctx, s); err == nil || ended(s) {
				break
			}
		}
		if info := errorInfo(err); info.GetReason() == "INDEX_DAMAGED" && in.any(losesTables) {
			o.what, o.said = damaged, err.Error()
		} else if err != nil && !ended(s) {
			o.problem("while %s: %w", o.what, err)
		}
	}
	status, err := s.Admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
	switch {
	case err != nil:
		if !ended(s) {
			o.problem("while %s: %w", o.what, err)
		}
	case status.Msg.GetWritable():
		if o.what == readOnly {
			o.problem("writes are refused, and the status says that they are not")
		}
	default:
		o.what, o.said = readOnly, status.Msg.GetWhyReadOnly()
		if !strings.Contains(o.said, r.fault.errno.Error()) && !in.any(losesTables) {
			o.problem("read-only without the cause: %q", o.said)
		}
	}
}

// patience is how long a stop may take. What is saved here takes milliseconds.
const patience = 10 * time.Second

// stop ends the program and judges how it ended.
func (r *trial) stop(s *rig.Server) {
	o := &r.outcome
	if ended(s) {
		o.what, o.said = "ended", message(s.Stderr())
		o.problem("it ended by itself with %v:\n%s", s.Process.ProcessState, s.Stderr())
		return
	}
	if err := s.Process.Process.Signal(os.Interrupt); err != nil {
		o.problem("stop: %w", err)
	}
	select {
	case <-s.Exited:
	case <-time.After(patience):
		s.Process.Process.Signal(os.Kill)
		<-s.Exited
		o.what += ", did not stop"
		o.problem("it did not stop within %v:\n%s", patience, s.Stderr())
		return
	}
	r.noTrace(s.Stderr())
	switch state := s.Process.ProcessState; state.ExitCode() {
	case 0:
	case 1:
		o.what, o.said = o.what+notAtStop, message(s.Stderr())
		if !strings.Contains(o.said, r.fault.errno.Error()) {
			o.problem("it did not say why the stop failed: %q\n%s", o.said, s.Stderr())
		}
	default:
		o.problem("the stop ended with %v:\n%s", state, s.Stderr())
	}
}

// restart runs the program on a sound disk: all is there, and it goes on.
func (r *trial) restart(ctx context.Context) {
	o := &r.outcome
	s, err := rig.Start(r.t, r.dir, r.serve())
	if err != nil {
		o.problem("the restart: %w", err)
		return
	}
	for _, w := range r.writers {
		if err := w.Check(ctx, s); err != nil {
			o.problem("after the restart: %w", err)
		}
		if err := w.Write(ctx, s); err != nil {
			o.problem("writing after the restart: %w", err)
		}
	}
	r.again(ctx, s)
	r.saved(ctx, s)
	for _, w := range r.writers {
		if err := w.Check(ctx, s); err != nil {
			o.problem("after the restart and a write: %w", err)
		}
	}
	if err := s.Stop(); err != nil {
		o.problem("the stop after the restart: %w", err)
	}
	// A process of its own looks: locks of this one would live on in every program that it starts meanwhile.
	if out, err := exec.CommandContext(ctx, r.program, "verify", "--data", r.dir).CombinedOutput(); err != nil {
		o.problem("after the restart: %w\n%s", err, out)
	}
	o.left, err = temporary(r.dir)
	if err != nil {
		o.problem("%w", err)
	}
}

// temporary returns the files that were to get another name.
func temporary(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if base := filepath.Base(path); strings.Contains(base, "tmp") || strings.HasPrefix(base, "server.json.") {
			names = append(names, kind(strings.TrimPrefix(path, dir+"/")))
		}
		return err
	})
	return names, err
}

func (r *trial) noTrace(stderr string) {
	for _, sign := range []string{"panic:", "fatal error:", "runtime error", "\ngoroutine "} {
		if strings.Contains(stderr, sign) {
			r.outcome.problem("a trace:\n%s", stderr)
			return
		}
	}
}

// endsProcess says whether Badger ends the process when an operation fails, as it does when it cannot open the
// statistics of its value log. It says itself what failed.
func endsProcess(o operation) bool { return kind(o.path) == "index DISCARD" }

// losesTables says whether Badger goes on as if an operation had been done that was not. When it merges tables and
// cannot write one of the new ones, it drops the old ones all the same; the index says so when it
// misses them, and is built again at the next start.
func losesTables(o operation) bool { return kind(o.path) == "index sst" }

// ended says whether the program has ended, or is about to.
func ended(s *rig.Server) bool {
	select {
	case <-s.Exited:
		return true
	default:
		return false
	}
}

// message returns what the program said before it ended, which may have several lines.
func message(stderr string) string {
	const prefix = "whowhen: "
	if at := strings.LastIndex(stderr, prefix); at >= 0 {
		return strings.Join(strings.Fields(stderr[at+len(prefix):]), " ")
	}
	return ""
}
