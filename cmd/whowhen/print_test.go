package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/cmd/internal/load"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12_345_678: "12,345,678"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 30: "1.0 GiB", 1 << 63: "8.0 EiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
	if got := plural(1, "row", "rows") + ", " + plural(2000, "row", "rows"); got != "1 row, 2,000 rows" {
		t.Error(got)
	}
	if got := timeLeft(10*time.Second, 25, 100); got != ", 30s left" {
		t.Errorf("time left %q", got)
	}
}

// TestQuoteForShell asks a shell.
func TestQuoteForShell(t *testing.T) {
	words := []string{"", "plain-1.5", `tag("vip")`, "it's", "$HOME `x` \\ *", "a\nb", "ünï", "'", "''x''"}
	var command strings.Builder
	command.WriteString("printf '%s\\0'")
	for _, w := range words {
		command.WriteString(" " + quoteForShell(w))
	}
	out, err := exec.Command("sh", "-c", command.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(words, "\x00")+"\x00", string(out)); diff != "" {
		t.Error(diff)
	}
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z日é ()"]{0,120}`).Draw(t, "text")
		width := rapid.IntRange(20, 60).Draw(t, "width")
		lines := wrap(text, width)
		for _, line := range lines {
			if uniseg.StringWidth(line) > width {
				t.Fatalf("line %q is wider than %d", line, width)
			}
		}
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(text) {
			t.Fatalf("%q came out as %q", text, lines)
		}
	})
}

func clause(text string, clauses ...*whowhenv1.Clause) *whowhenv1.Clause {
	return &whowhenv1.Clause{Expression: text, Count: 1234, RunningCount: 99, Clauses: clauses}
}

func TestCountTreeFitsThePage(t *testing.T) {
	long := `did("purchase" where category in ("books", "shoes", "toys") and amount > 10, within 30d)`
	root := clause("everyone and not (nobody or "+long+")", clause("everyone"),
		clause("not (nobody or "+long+")", clause("nobody or "+long, clause("nobody"), clause(long))))
	got := countTree(root, 60)
	want := []string{
		"                                                count  left",
		"all of                                          1,234    99",
		"├─ everyone                                     1,234    99",
		"└─ none of                                      1,234    99",
		"   ├─ nobody                                    1,234    99",
		`   └─ did("purchase" where category in          1,234    99`,
		`      ("books", "shoes", "toys") and amount >`,
		"      10, within 30d)",
		"",
		`Under "any of" and "none of", left is how many are gathered by then.`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEvidenceTree(t *testing.T) {
	in := clause(`tag("vip")`)
	in.Holds, in.Evidence = true, &whowhenv1.Evidence{Summary: "bears the tag, until 2026-05-01 12:00 in Lisbon"}
	out := clause("age > 3")
	out.Evidence = &whowhenv1.Evidence{Summary: "is missing"}
	root := clause(`tag("vip") or not age > 3`, in, clause("not age > 3", out))
	root.Holds, root.Clauses[1].Holds = true, true
	for _, tc := range []struct {
		name string
		p    page
		want []string
	}{
		{"beside", page{width: 90}, []string{
			"✓ any of",
			`├─ ✓ tag("vip")    bears the tag, until 2026-05-01 12:00 in Lisbon`,
			"└─ ✓ not age > 3   is missing",
		}},
		{"below", page{width: 42}, []string{
			"✓ any of",
			`├─ ✓ tag("vip")`,
			"│      bears the tag, until 2026-05-01",
			"│      12:00 in Lisbon",
			"└─ ✓ not age > 3",
			"       is missing",
		}},
		{"coloured", page{width: 90, colours: true}, []string{
			"\x1b[32m✓\x1b[0m any of",
			"├─ \x1b[32m✓\x1b[0m " + `tag("vip")    bears the tag, until 2026-05-01 12:00 in Lisbon`,
			"└─ \x1b[32m✓\x1b[0m not age > 3   is missing",
		}},
	} {
		if diff := cmp.Diff(tc.want, evidenceTree(root, tc.p)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// A clause of a newer server's language is shown as it is.
func TestTreeOfUnknownLanguage(t *testing.T) {
	got := countTree(clause("one xor two", clause("one"), clause("two")), 80)
	if len(got) != 4 || !strings.HasPrefix(got[1], "one xor two ") || !strings.HasPrefix(got[3], "└─ two") {
		t.Errorf("%q", got)
	}
}

func TestDates(t *testing.T) {
	for _, tc := range []struct{ text, zone, want string }{
		{"2026-03-31T09:00:00+02:00", "UTC", "2026-03-31T07:00:00Z"},
		{"2026-03-31", "Asia/Kolkata", "2026-03-30T18:30:00Z"},
		{"2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"}, // began at one o'clock
	} {
		got, err := parseMoment("--as-of", tc.text, func() (*time.Location, error) { return time.LoadLocation(tc.zone) })
		if err != nil || got.UTC().Format(time.RFC3339) != tc.want {
			t.Errorf("%s in %s is %v, %v; want %s", tc.text, tc.zone, got.UTC(), err, tc.want)
		}
	}
}

func TestDialAddress(t *testing.T) {
	for listen, want := range map[string]string{"0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80", "10.1.2.3:80": "http://10.1.2.3:80", "[::1]:80": "http://[::1]:80"} {
		a, err := net.ResolveTCPAddr("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := dialAddress(a); got != want {
			t.Errorf("%s is reached at %s, want %s", listen, got, want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
}

// TestBrokenPipe: a reader that has seen enough is no failure.
func TestBrokenPipe(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := runHere(t, "demo", "--data", dir, "--cids", "500"); code != exitDone {
		t.Fatal(stderr)
	}
	var errs bytes.Buffer
	m := &Main{Args: []string{"select", "everyone", "--data", dir}, Stdout: brokenPipe{}, Stderr: &errs, Getenv: func(string) string { return "" }, Clock: load.SystemClock()}
	if code := m.Main(t.Context()); code != exitDone || errs.String() != "" {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs bytes.Buffer
	m := &Main{Args: []string{"count", "everyone", "--data", t.TempDir()}, Stdout: io.Discard, Stderr: &errs, Getenv: func(string) string { return "" }, Clock: load.SystemClock()}
	if code := m.Main(ctx); code != exitFailed || errs.String() != "whowhen: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}

func TestPlainErrors(t *testing.T) {
	code, message := explainError(fmt.Errorf("saving: %w", errors.New("no room")))
	if code != exitFailed || message != "saving: no room." {
		t.Errorf("%d %q", code, message)
	}
}
