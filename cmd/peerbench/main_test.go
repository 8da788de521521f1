package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments/bench"
)

// asProgram makes the test's executable the program itself.
const asProgram = "PEERBENCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func installed() bool {
	_, err := exec.LookPath("redis-server")
	return err == nil
}

// program runs the program in this process, with a temporary directory of its own, which must be empty in the end.
func program(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	checkEmpty(t, temp)
	return code, out.String(), err.String()
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAllAgree has all engines asked, each of whose answers the program holds against the data.
func TestAllAgree(t *testing.T) {
	code, stdout, stderr := program(t, t.Context(), "--cids", "200000", "--rounds", "2", "--json", "-")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var got report
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	results := map[string]uint64{}
	for _, f := range got.Figures {
		asked[f.Name+" "+f.Engine] = true
		if f.CIDs != 200_000 || f.Rounds != 2 || f.LowUS <= 0 || f.P50US < f.LowUS || f.HighUS < f.P50US || f.Ratio <= 0 || f.Result == 0 {
			t.Errorf("%+v", f)
		}
		if first, ok := results[f.Name]; ok && first != f.Result {
			t.Errorf("%+v: others say %d", f, first)
		}
		results[f.Name] = f.Result
		if f.Engine == engineWhowhen && f.Ratio != 1 {
			t.Errorf("%+v", f)
		}
	}
	for _, name := range figureNames() {
		for _, e := range engineNames() {
			if e == engineRedis && !installed() {
				continue // TestRedisIsNotThere has that
			}
			if !asked[name+" "+e] {
				t.Errorf("%s: %s was not asked", name, e)
			}
		}
	}
}

func TestTable(t *testing.T) {
	file := t.TempDir() + "/figures.json"
	code, stdout, stderr := program(t, t.Context(), "--cids", "1000", "--rounds", "1", "--only", "and5,duckdb_words", "--json", file)
	if code != 0 || !strings.Contains(stdout, "duckdb_words: DuckDB v") || !strings.Contains(stdout, "and5") || strings.Contains(stdout, figureDays) {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if text, err := os.ReadFile(file); err != nil || !bytes.Contains(text, []byte(`"engine": "duckdb_words"`)) || bytes.Contains(text, []byte(`"ratio"`)) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestSizes has data that ends within a word, with a word, with a block and just behind one.
func TestSizes(t *testing.T) {
	for _, cids := range []string{"1001", "1088", "65536", "65537"} {
		if code, _, stderr := program(t, t.Context(), "--cids", cids, "--rounds", "1"); code != 0 {
			t.Errorf("%s CIDs: exit code %d: %s", cids, code, stderr)
		}
	}
}

func TestRedisIsNotThere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, stdout, stderr := program(t, t.Context(), "--cids", "1000", "--rounds", "1", "--only", "redis,duckdb_words")
	if want := "redis: skipped: not installed: there is no redis-server"; code != 0 || !strings.Contains(stdout, want) || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := program(t, t.Context(), "--cids", "1000", "--only", "redis"); code != 1 || !strings.Contains(stderr, "there is no engine to ask") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--cids 999", "--cids takes a number from 1000"},
		{"--cids many", "invalid value"},
		{"--rounds 0", "--rounds takes a number above 0"},
		{"--only and6", `there is no "and6"`},
		{"--fast", "flag provided but not defined"},
		{"and5", `"and5" is one`},
	} {
		code, stdout, stderr := program(t, t.Context(), strings.Fields(c.args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d: %s%s", c.args, code, stdout, stderr)
		}
	}
	if code, _, stderr := program(t, t.Context(), "--help"); code != 0 || !strings.Contains(stderr, "-rounds") {
		t.Errorf("--help: exit code %d: %s", code, stderr)
	}
}

// liar is an engine that is wrong now and then.
type liar struct{ asked int }

func (*liar) load(context.Context, bench.Dataset) (string, error) { return "a liar", nil }
func (*liar) close() error                                        { return nil }

func (l *liar) count(_ context.Context, q question) (uint64, error) {
	l.asked++
	return q.answer + uint64(l.asked/5), nil
}

func TestWrongAnswer(t *testing.T) {
	asked, err := questions(bench.Dataset{CIDs: 1000, Seed: dataSeed, LastDay: dataLastDay}, figureDays)
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"--cids", "1000"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{options: o, say: func(string, ...any) {}, now: time.Now}
	c.contenders = []*contender{{"liar", "a liar", &liar{}}}
	if err := c.measure(t.Context(), figureDays, asked); err == nil || !strings.Contains(err.Error(), `says a liar`) || len(c.figures) > 0 {
		t.Errorf("%v, %v", err, c.figures)
	}
}

// TestStopped cancels the program as it measures.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if code, _, stderr := program(t, ctx, "--cids", "1000"); code != 1 || !strings.HasSuffix(stderr, "peerbench: stopped.\n") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
