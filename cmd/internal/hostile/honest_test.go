//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// honest writes and counts all the time, trying again when it is told that it may.
type honest struct {
	server *rig.Server
	writer *rig.Writer

	mu      sync.Mutex
	calls   int
	retries int
	slowest time.Duration
}

// run goes on until ctx ends and returns the first thing that was refused for good.
func (h *honest) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := h.try(ctx, func(ctx context.Context) error { return h.writer.Write(ctx, h.server) }); err != nil {
			return fmt.Errorf("an honest write: %w", err)
		}
		if err := h.try(ctx, func(ctx context.Context) error {
			_, err := h.server.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: `tag("of 0") and batch > 1`}))
			return err
		}); err != nil {
			return fmt.Errorf("an honest count: %w", err)
		}
		pause(ctx, 5*time.Millisecond)
	}
	return nil
}

// try calls until it succeeds, as long as the errors say that it can.
func (h *honest) try(ctx context.Context, call func(context.Context) error) error {
	begun := time.Now()
	for retries := 0; ; retries++ {
		patient, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := call(patient)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		took := time.Since(begun)
		if err == nil {
			h.mu.Lock()
			h.calls, h.retries, h.slowest = h.calls+1, h.retries+retries, max(h.slowest, took)
			h.mu.Unlock()
			return nil
		}
		info := infoOf(err)
		lost := !connect.IsWireError(err) // the connection broke off
		if info != nil && !info.Retryable || info == nil && !lost || took > 30*time.Second {
			return fmt.Errorf("after %v and %d retries: %w, detail %v", took, retries, err, info)
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// report returns what happened since the last report.
func (h *honest) report() (calls, retries int, slowest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls, retries, slowest = h.calls, h.retries, h.slowest
	h.calls, h.retries, h.slowest = 0, 0, 0
	return calls, retries, slowest
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// infoOf returns the detail of an error of the API, or nil.
func infoOf(err error) *whowhenv1.ErrorInfo {
	var e *connect.Error
	if !errors.As(err, &e) {
		return nil
	}
	for _, d := range e.Details() {
		if m, err := d.Value(); err == nil {
			if info, ok := m.(*whowhenv1.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}
