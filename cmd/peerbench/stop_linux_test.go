package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waiter is a writer that tells when a text has come by.
type waiter struct {
	want string
	seen chan struct{}
	text bytes.Buffer
}

func (w *waiter) Write(p []byte) (int, error) {
	had := strings.Contains(w.text.String(), w.want)
	w.text.Write(p)
	if !had && strings.Contains(w.text.String(), w.want) {
		close(w.seen)
	}
	return len(p), nil
}

// processes returns the command lines of the processes that have a text in them.
func processes(t *testing.T, text string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(text)) { // others come and go
			found = append(found, fmt.Sprintf("%q", line))
		}
	}
	return found
}

// TestNothingIsLeft interrupts and kills the real program while it measures: its server ends with it.
func TestNothingIsLeft(t *testing.T) {
	if !installed() {
		t.Skip("there is no redis-server")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			temp := t.TempDir()
			stderr := &waiter{want: "round 1 ", seen: make(chan struct{})}
			p := exec.Command(os.Args[0], "--cids", "200000", "--rounds", "100000", "--only", "redis,days3of30")
			p.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+temp)
			p.Stderr = stderr
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-stderr.seen:
			case <-time.After(time.Minute):
				t.Error("it does not get to measure")
			}
			if running := processes(t, temp); len(running) != 1 {
				t.Errorf("servers: %v", running)
			}
			if err := p.Process.Signal(signal); err != nil {
				t.Error(err)
			}
			err := p.Wait()
			if code := p.ProcessState.ExitCode(); signal != syscall.SIGKILL && code != 1 {
				t.Errorf("exit code %d, %v: %s", code, err, stderr.text.String())
			}
			for until := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				left := processes(t, temp)
				if len(left) == 0 {
					break
				}
				if time.Now().After(until) {
					t.Fatalf("left running: %v", left)
				}
			}
			if signal != syscall.SIGKILL {
				checkEmpty(t, temp)
			}
		})
	}
}
