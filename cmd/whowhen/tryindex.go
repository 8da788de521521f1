package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments"
)

// tryIndexCmd is a step of opening a directory after a kill: see segments.TryIndex. It is run by whowhen itself, in a
// process of its own, and by nobody else.
type tryIndexCmd struct {
	Dir string `arg:"" name:"dir" help:"An index."`
}

const (
	// exitUntried says that the index could not be tried, which says nothing about it.
	exitUntried = 75
	// tryingIndex is what the child says before it begins, so that nobody takes the end of a program
	// that is not this one, or never ran, for damage.
	tryingIndex = "trying the index\n"
)

func (c *tryIndexCmd) Run(m *Main) error {
	if _, err := fmt.Fprint(m.Stdout, tryingIndex); err != nil {
		return err
	}
	err := segments.TryIndex(c.Dir)
	if errors.Is(err, segments.ErrIndexUntried) {
		return &exitError{exitUntried, fmt.Sprintf("%v. whowhen runs try-index itself when it opens a directory; it is not for people.", err)}
	}
	return err
}

// tryIndex runs tryIndexCmd on an index in another process, which ends when ctx is done, and on Linux when this
// process ends. It is an Options.TryIndex.
func (m *Main) tryIndex(ctx context.Context, dir string) error {
	untried := func(why error) error { return fmt.Errorf("%w: %w", segments.ErrIndexUntried, why) }
	program, err := m.Executable()
	if err != nil {
		return untried(err)
	}
	var stdout, stderr head
	child := exec.CommandContext(ctx, program, "try-index", dir)
	child.Args[0] = "whowhen"
	child.Stdout, child.Stderr = &stdout, &stderr
	child.WaitDelay = time.Second
	child.SysProcAttr = childAttributes()
	// On Linux the child is killed when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := child.Start(); err != nil {
		return untried(err)
	}
	err = child.Wait()
	switch begun := strings.HasPrefix(stdout.String(), tryingIndex); {
	case !begun || child.ProcessState.ExitCode() == exitUntried:
		return untried(fmt.Errorf("%s ended with %v: %s", program, child.ProcessState, firstLine(stderr.String())))
	case err != nil:
		return fmt.Errorf("%v: %s", child.ProcessState, firstLine(stderr.String()))
	}
	return nil
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	const most = 4 << 10
	if room := most - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return "it said nothing"
	}
	return strings.TrimPrefix(line, "whowhen: ")
}
