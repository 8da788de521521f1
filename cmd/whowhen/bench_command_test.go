package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whowhen.dev/whowhen/cmd/internal/load"
	"whowhen.dev/whowhen/segments/bench"
)

// realBitmaps makes a file as --bitmaps takes it.
func realBitmaps(t *testing.T, name string) string {
	t.Helper()
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	for _, text := range []string{"1,2,3,70000", "2,3,4", "3,70000,3000000"} {
		entry, err := w.Create(text[:1] + ".txt")
		if err == nil {
			_, err = io.WriteString(entry, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestBenchFigures runs all there is on little data.
func TestBenchFigures(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	picture := filepath.Join(t.TempDir(), "out.svg")
	code, stdout, stderr := runHere(t, "bench", "--cids", "70000", "--rounds", "3", "--json", "--svg", picture,
		"--bitmaps", realBitmaps(t, "one.zip"), realBitmaps(t, "two.zip"))
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var report benchReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	want := benchFigures()
	for _, file := range []string{"one", "two"} {
		for _, kind := range []string{"union_pairs", "intersection_pairs", "union_all", "intersection_all"} {
			want = append(want, file+"."+kind)
		}
	}
	var got []string
	for _, f := range report.Figures {
		got = append(got, f.Name)
		if f.Name != benchMemory && (f.Result == nil || f.BaselineResult == nil || *f.Result != *f.BaselineResult || f.P50US <= 0 || f.Rounds == 0) || f.CIDs == 0 || f.Note == "" {
			t.Errorf("%+v", f)
		}
		if asked := slices.Contains([]string{benchAnd5, benchAnd5RPC, benchAnd5Cold, benchDays, benchCount, benchWhere, benchNumber, benchTop}, f.Name); asked && (f.BaselineP50US <= 0 || f.Speedup <= 0 || *f.Result == 0) {
			t.Errorf("%+v", f)
		}
		if through := slices.Contains([]string{benchSelectPacked, benchSelectStrings, benchWrite, benchLoad, benchMixed}, f.Name); through && f.PerSecond <= 0 {
			t.Errorf("%+v", f)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("figures %q, want %q", got, want)
	}
	drawn, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, drawn)
	for _, name := range want {
		if name != benchMemory && !strings.Contains(string(drawn), ">"+name+"<") {
			t.Errorf("the picture says nothing of %s", name)
		}
	}
	nothingLeft(t)
}

func wellFormed(t *testing.T, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// nothingLeft checks that temporary directories are gone.
func nothingLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// cancelled counts the bytes written to it, and cancels when there is a text among them.
type cancelled struct {
	bytes.Buffer
	at     string
	cancel func()
}

func (c *cancelled) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.at) {
		c.cancel()
	}
	return c.Buffer.Write(p)
}

// TestBenchInterrupted stops it while it makes the data, and after that.
func TestBenchInterrupted(t *testing.T) {
	for _, at := range []string{"Making the data", "Made the data"} {
		t.Setenv("TMPDIR", t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		stderr := &cancelled{at: at, cancel: cancel}
		m := &Main{
			Name: "whowhen", Args: []string{"bench", "--cids", "300000"}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: stderr,
			StderrWidth: 80, Getenv: func(string) string { return "" }, Clock: load.SystemClock(), Version: "test",
		}
		if code := m.Main(ctx); code != exitFailed || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		nothingLeft(t)
	}
}

// TestBenchPictureOfLittle draws what has no library beside it.
func TestBenchPictureOfLittle(t *testing.T) {
	for _, figures := range [][]bench.Figure{
		nil,
		{{Name: benchMemory, CIDs: 1, Bytes: 5 << 20, Note: "a < b"}},
		{{Name: benchWrite, CIDs: 1, PerSecond: 1000, P50US: 3}},
		{{Name: benchRestart, CIDs: 1, P50US: 1e6}},
	} {
		picture, err := drawBench(benchReport{Machine: `some "machine" & more`, Figures: figures})
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, picture)
		if strings.Contains(string(picture), "NaN") || strings.Contains(string(picture), "Inf") {
			t.Errorf("%s", picture)
		}
	}
}
