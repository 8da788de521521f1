package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestThingsToTry pastes what `whowhen demo --serve` prints into a shell: each command must print
// the answer shown, and each call must be answered.
func TestThingsToTry(t *testing.T) {
	dir := t.TempDir()
	demo := exec.Command("whowhen", "demo", "--serve", "--listen", "127.0.0.1:0", "--cids", "3000")
	demo.Dir = dir
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = demo.Process.Signal(os.Interrupt)
		if err := demo.Wait(); err != nil {
			t.Error(err)
		}
	})
	var lines []string
	for s := bufio.NewScanner(out); s.Scan(); {
		lines = append(lines, s.Text())
		if strings.HasPrefix(s.Text(), "Stop with") {
			break
		}
	}
	trials := 0
	for i, line := range lines {
		if !strings.HasPrefix(line, "   whowhen ") {
			continue
		}
		trials++
		var shown []string
		for _, l := range lines[i+4:] { // behind the command, a blank line, the call and a blank line
			if l != "" && !strings.HasPrefix(l, "   ") {
				break
			}
			shown = append(shown, strings.TrimPrefix(l, "   "))
		}
		got := shell(t, dir, line)
		if withoutMoment(got) != withoutMoment(strings.Join(shown, "\n")) {
			t.Errorf("%s\nprints\n%s\nbut shown is\n%s", line, got, strings.Join(shown, "\n"))
		}
		if _, err := exec.LookPath("curl"); err != nil {
			t.Log("curl is not installed: the calls are not made")
			continue
		}
		answer := shell(t, dir, lines[i+2])
		var fields map[string]any
		if err := json.Unmarshal([]byte(answer), &fields); err != nil || fields["asOf"] == nil {
			t.Errorf("%s\nprints\n%s", lines[i+2], answer)
		}
	}
	if trials != 5 {
		t.Errorf("%d things to try, want 5:\n%s", trials, strings.Join(lines, "\n"))
	}
	if _, err := os.Stat(filepath.Join(dir, "whowhen-data")); err != nil {
		t.Error(err)
	}
}

// withoutMoment leaves out the blank space around and the moments of answers as of now, and
// the width, which is three columns less where answers are indented.
func withoutMoment(text string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		if i > 1 && fields[i-2] == "as" && fields[i-1] == "of" || i > 1 && fields[i-2] == "As" && fields[i-1] == "of" {
			fields[i] = f[:min(len(f), len("2026-01-02"))]
		}
	}
	return strings.Join(fields, " ")
}
