package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// snippet is a block of commands in README.md and the output shown for it.
type snippet struct {
	line     int
	commands string
	output   string
	shown    bool
}

// readmeSnippets returns the ```sh blocks, each with the ```text block that follows it, if
// one does before the next ```sh block.
func readmeSnippets(t *testing.T) []snippet {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	language, block := "", []string(nil)
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case language == "" && strings.HasPrefix(line, "```"):
			language, block = strings.TrimPrefix(line, "```"), nil
		case line == "```":
			joined := strings.Join(block, "\n") + "\n"
			if language == "sh" {
				all = append(all, snippet{line: i + 1 - len(block), commands: joined})
			} else if last := len(all) - 1; language == "text" && last >= 0 {
				all[last].output, all[last].shown = joined, true
			}
			language = ""
		default:
			block = append(block, line)
		}
	}
	return all
}

// TestREADME runs the commands of README.md one after the other in an empty directory, with a
// server once they begin to talk to one, and compares what they print with what is shown.
func TestREADME(t *testing.T) {
	dir := t.TempDir()
	address := ""
	for _, s := range readmeSnippets(t) {
		if strings.Contains(s.commands, "curl") {
			if _, err := exec.LookPath("curl"); err != nil {
				t.Log("curl is not installed: the calls of README.md are not made")
				break
			}
			if address == "" {
				address = startServer(t, dir)
			}
			s.commands = strings.ReplaceAll(s.commands, "http://127.0.0.1:8080", address)
		}
		got := shell(t, dir, s.commands)
		if s.shown && !sameOutput(got, s.output) {
			t.Errorf("README.md, line %d: the commands\n%s\nprint\n%s\nbut shown is\n%s", s.line, s.commands, got, s.output)
		}
		if !s.shown && got != "" {
			t.Errorf("README.md, line %d: the commands print, but no output is shown:\n%s", s.line, got)
		}
	}
}

// shell runs commands and returns what they print on stdout and stderr, in order.
func shell(t *testing.T, dir, commands string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", commands)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WHOWHEN_DATA=", "WHOWHEN_SERVER=", "COLUMNS=80")
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out)
}

// startServer serves dir/whowhen-data until the test ends and returns its address.
func startServer(t *testing.T, dir string) string {
	t.Helper()
	server := exec.Command("whowhen", "serve", "--listen", "127.0.0.1:0")
	server.Dir = dir
	var log bytes.Buffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v:\n%s", err, log.String())
		}
	})
	for range 500 {
		if s := liveServer(t.Context(), filepath.Join(dir, "whowhen-data")); s != nil {
			return s.Address
		}
		time.Sleep(20 * time.Millisecond) // another process has to come up
	}
	t.Fatal("the server does not answer")
	return ""
}

// sameOutput compares as JSON what is JSON, because its blanks and the order of its keys mean nothing.
func sameOutput(got, want string) bool {
	var g, w any
	if json.Unmarshal([]byte(got), &g) == nil && json.Unmarshal([]byte(want), &w) == nil {
		return reflect.DeepEqual(g, w)
	}
	return strings.TrimRight(got, "\n") == strings.TrimRight(want, "\n")
}

// TestREADMENamesWhatIsThere looks up the make targets and files that README.md names.
func TestREADMENamesWhatIsThere(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllSubmatch(readme, -1) {
		if !bytes.Contains(makefile, []byte("\n"+string(m[1])+":")) {
			t.Errorf("README.md names make %s, which the Makefile does not have", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join("../..", string(m[1]))); err != nil {
			t.Errorf("README.md links to %s: %v", m[1], err)
		}
	}
}
