package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"whowhen.dev/whowhen/cmd/internal/load"
)

// runHere runs the program inside the test and returns its exit code and what it prints.
func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	m := &Main{
		Name: "whowhen", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Clock: load.SystemClock(), Version: "test",
	}
	return m.Main(t.Context()), out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "96")
	var all strings.Builder
	for _, command := range []string{
		"", "init", "serve", "load", "load events", "load tags", "load profiles",
		"count", "select", "explain", "contains", "status", "demo", "version",
	} {
		args := append(strings.Fields(command), "--help")
		code, stdout, stderr := runHere(t, args...)
		if code != exitDone || stderr != "" {
			t.Errorf("whowhen %s: exit code %d, stderr %q", strings.Join(args, " "), code, stderr)
		}
		all.WriteString("$ whowhen " + strings.Join(args, " ") + "\n" + stdout + "\n")
	}
	const golden = "testdata/help.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("the help is not what %s holds; run go test -update if it should be (-want +got):\n%s", golden, diff)
	}
	_, stdout, _ := runHere(t)
	if _, help, _ := runHere(t, "--help"); stdout != help {
		t.Error("whowhen without anything does not print the help")
	}
}

func TestVersion(t *testing.T) {
	if code, stdout, _ := runHere(t, "version"); code != exitDone || stdout != "whowhen test\n" {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}
