package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/cmd/internal/load"
)

// TestLanguageExamples asks every expression of docs/LANGUAGE.md of the data at the page's end.
func TestLanguageExamples(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "LANGUAGE.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, file := range regexp.MustCompile("(?s)```\\w+ (\\w+\\.\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if err := os.WriteFile(filepath.Join(dir, file[1]), []byte(file[2]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		m := &Main{
			Name: "whowhen", Args: append(args, "--data", filepath.Join(dir, "data")),
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
			Getenv: func(string) string { return "" }, Clock: load.SystemClock(),
		}
		if code := m.Main(context.Background()); code != 0 {
			t.Fatalf("%q: exit %d: %s", args, code, errs.String())
		}
		return out.String()
	}
	run("init", "--zone", "Europe/London")
	commands := regexp.MustCompile("(?m)^`whowhen (load .*)`:$").FindAllStringSubmatch(string(page), -1)
	if len(commands) != 3 {
		t.Fatalf("the page has %d load commands", len(commands))
	}
	for _, command := range commands {
		args := strings.Fields(command[1])
		args[2] = filepath.Join(dir, args[2])
		run(args...)
	}
	examples := regexp.MustCompile("(?m)^\\| `(.+?)` \\|.*\\| ?([a-z ]*)\\|$").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 40 {
		t.Fatalf("found %d examples only", len(examples))
	}
	for _, example := range examples {
		got := strings.Fields(run("select", example[1], "--as-of", "2026-03-31"))
		slices.Sort(got)
		if want := strings.Fields(example[2]); !slices.Equal(got, want) {
			t.Errorf("%s: %v, the page says %v", example[1], got, want)
		}
	}
}
