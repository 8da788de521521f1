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
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
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
	publishScores(t, filepath.Join(dir, "data"))
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

// publishScores puts scores of the model churn into a store: of ada, bob and cem, who came first.
func publishScores(t *testing.T, dir string) {
	t.Helper()
	home, err := segments.OpenHome(dir, segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	app, err := home.App("")
	if err != nil {
		t.Fatal(err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ordinals := view.Ordinals([]string{"ada", "bob", "cem"})
	chunk := batch.ScoreChunk{Name: "churn", Generation: 1, Ordinals: view.CIDs(), Present: []uint64{0}}
	view.Close()
	for ordinal := range uint32(chunk.Ordinals) {
		i := slices.Index(ordinals, ordinal)
		if i < 0 {
			continue
		}
		code, ok := segments.ScoreAtLeast([]float64{0.9, 0.75, 0.2}[i])
		if !ok {
			t.Fatal("no such code")
		}
		chunk.Present[0] |= 1 << ordinal
		chunk.Codes = append(chunk.Codes, code)
	}
	if _, err := app.StageScores(t.Context(), chunk); err != nil {
		t.Fatal(err)
	}
	if _, err := app.PublishScores(t.Context(), batch.ScorePublish{Name: "churn", Generation: 1, Version: "1"}); err != nil {
		t.Fatal(err)
	}
}
