package fulldisk

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/fulldisk/bulk"
	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// crowd is everybody who uses the server: those who write, and one who reads.
type crowd struct {
	dir   string
	small []*rig.Writer
	large []*bulk.Writer

	slowestRead, slowestResume time.Duration
	reads                      int
}

type writer interface {
	Write(context.Context, *rig.Server) error
	Check(context.Context, *rig.Server) error
}

func newCrowd(dir string) *crowd {
	return &crowd{dir: dir, small: rig.Writers(4), large: []*bulk.Writer{{Name: "bulk 1", Events: 1000}, {Name: "bulk 2", Events: 1500}}}
}

func (c *crowd) writers() []writer {
	var all []writer
	for _, w := range c.small {
		all = append(all, w)
	}
	for _, w := range c.large {
		all = append(all, w)
	}
	return all
}

func (c *crowd) acked() (batches int) {
	for _, w := range c.small {
		batches += w.Acked
	}
	for _, w := range c.large {
		batches += w.Acked
	}
	return batches
}

// each does something with all writers at the same time, and returns their errors.
func (c *crowd) each(do func(writer) error) error {
	all := c.writers()
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, w := range all {
		running.Go(func() { errs[i] = do(w) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// fill has everybody write until the server has refused all of them. Those it has refused go on trying, as the large
// ones fill what the small ones would need long for.
func (c *crowd) fill(ctx context.Context, s *rig.Server) error {
	const patience = time.Minute
	var writing atomic.Int64
	writing.Store(int64(len(c.writers())))
	begun := time.Now()
	return c.each(func(w writer) error {
		for refused := false; writing.Load() > 0; {
			err := w.Write(ctx, s)
			switch {
			case err == nil && time.Since(begun) > patience:
				writing.Store(0)
				return fmt.Errorf("the disk is not full after %v", patience)
			case err == nil:
				continue
			case !refused:
				refused = true
				writing.Add(-1)
			}
			if err := c.refused(err); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	})
}

// press has everybody try for some time.
func (c *crowd) press(ctx context.Context, s *rig.Server, long time.Duration) error {
	begun := time.Now()
	return c.each(func(w writer) error {
		for time.Since(begun) < long {
			if err := w.Write(ctx, s); err == nil {
				continue // a compaction may have made room
			} else if err := c.refused(err); err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	})
}

// resume has everybody try until the server takes their writes again.
func (c *crowd) resume(ctx context.Context, s *rig.Server) error {
	const patience = 5 * time.Second
	begun := time.Now()
	err := c.each(func(w writer) error {
		for {
			err := w.Write(ctx, s)
			if err == nil {
				return nil
			}
			if err := c.refused(err); err != nil {
				return err
			}
			if time.Since(begun) > patience {
				return fmt.Errorf("writes are refused %v after there is room again: %w", patience, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	c.slowestResume = max(c.slowestResume, time.Since(begun))
	return err
}

// check asks whether all that was acknowledged is there, once it is visible.
func (c *crowd) check(ctx context.Context, s *rig.Server) error {
	status, err := s.Admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
	if err != nil {
		return err
	}
	visible := func() error {
		_, err := s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{
			Expression: "nobody", Read: &whowhenv1.Read{AtLeastPosition: status.Msg.GetDurablePosition()},
		}))
		return err
	}
	// With limits this small the server may be busy saving for longer than one call waits.
	err = visible()
	for more := 0; more < 5 && hasReason(err, "POSITION_NOT_REACHED"); more++ {
		err = visible()
	}
	if err != nil {
		return err
	}
	return c.each(func(w writer) error { return w.Check(ctx, s) })
}

var diskFull = regexp.MustCompile(`the disk of (.+) has \d+ bytes free, \d+ more are needed`)

// refused says what is wrong with how the server refused a write.
func (c *crowd) refused(err error) error {
	told := new(connect.Error)
	if !errors.As(err, &told) || told.Code() != connect.CodeResourceExhausted {
		return fmt.Errorf("a write failed, but not for want of room: %w", err)
	}
	if m := diskFull.FindStringSubmatch(told.Message()); m == nil || !strings.HasPrefix(m[1], c.dir) {
		return fmt.Errorf("no directory, or not how many bytes are missing: %w", err)
	}
	if !hasReason(err, "DISK_FULL") {
		return fmt.Errorf("not of reason DISK_FULL, or not to be tried again: %w", err)
	}
	return nil
}

// hasReason says whether a call failed for a reason that may pass.
func hasReason(err error, reason string) bool {
	told := new(connect.Error)
	if !errors.As(err, &told) {
		return false
	}
	for _, d := range told.Details() {
		if value, err := d.Value(); err == nil {
			if info, ok := value.(*whowhenv1.ErrorInfo); ok && info.GetReason() == reason && info.GetRetryable() {
				return true
			}
		}
	}
	return false
}

// read asks one thing after the other until stop is called, which says what was not answered.
func (c *crowd) read(ctx context.Context, s *rig.Server) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			for _, expression := range []string{`tag("of 1") and batch >= 1`, `count("event 2") >= 7`, `count("bulk 1", from 2026-03-01 to 2026-03-02) >= 1000`, `everyone`} {
				begun := time.Now()
				_, err := s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: expression}))
				if ctx.Err() != nil {
					break
				}
				if err != nil {
					ended <- fmt.Errorf("%s is not answered: %w", expression, err)
					return
				}
				c.reads++
				c.slowestRead = max(c.slowestRead, time.Since(begun))
			}
			time.Sleep(time.Millisecond)
		}
		ended <- nil
	}()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}
