//go:build linux

package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

// hostileFile is a file made to exhaust the loader, and what is to come of it.
type hostileFile struct {
	name  string // its ending says how it is written
	exit  int
	words string // in the loader's messages, or among the rejected rows
	write func(w io.Writer) error
}

// gigabytes returns n of them in the whole test, and a hundredth of that otherwise.
func gigabytes(n int) int {
	if whole() {
		return n << 30
	}
	return n << 30 / 100
}

func fill(w io.Writer, with string, n int) error {
	block := strings.Repeat(with, 1+(1<<20)/len(with))
	for n > 0 {
		part := block[:min(n, len(block))]
		if _, err := io.WriteString(w, part); err != nil {
			return err
		}
		n -= len(part)
	}
	return nil
}

func hostileFiles() []hostileFile {
	const head = "cid,tag\na,b\n"
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	thenFill := func(start, with string, n int) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, err := io.WriteString(w, start); err != nil {
				return err
			}
			return fill(w, with, n)
		}
	}
	rows := func(start string, n int, row func(int) string) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, err := io.WriteString(w, start); err != nil {
				return err
			}
			for i := range n {
				if _, err := io.WriteString(w, row(i)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	many := 4_000
	if whole() {
		many = 400_000
	}
	long := strings.Repeat("n", 10_240)
	noLines, lineTooLong := "this is not a file of lines", "RECORD_TOO_LONG"
	if !whole() {
		noLines = lineTooLong // the line ends before it is taken for none
	}
	return []hostileFile{
		{"zeros.csv.gz", exitOf(noLines), noLines, thenFill(head, "\x00", gigabytes(10))},
		{"zeros.csv.zst", exitOf(noLines), noLines, thenFill(head+"c,d\n", "\x00", gigabytes(10))},
		{"zeros-first.csv.gz", 2, "the header, line 1, is longer", thenFill("", "\x00", gigabytes(10))},
		{"zeros.jsonl.zst", exitOf(noLines), noLines, thenFill("{\"cid\":\"a\",\"tag\":\"b\"}\n", "\x00", gigabytes(10))},
		{"window.csv.zst", 2, "compress it without --ultra and --long", nil},
		{"window64.csv.zst", 0, "", nil},
		{"quote.csv.gz", 2, "the quote that opens in line 3 is not closed", thenFill(head+"c,\"", "x\n", gigabytes(2))},
		{"field.csv", 3, lineTooLong, rows(head, 1, func(i int) string { return fmt.Sprintf("c%d,%s\n", i, strings.Repeat("x", 100<<20)) })},
		{"columns.csv", 2, "columns, at most 4096 are taken", rows("cid", 100_000, func(i int) string { return fmt.Sprintf(",c%d", i) })},
		{"cells.csv", 3, "FIELD_COUNT", rows(head, 10, func(int) string { return strings.Repeat(",", 1_000_000) + "\n" })},
		{"nested.jsonl", 3, "JSON_NESTED", rows("{\"cid\":\"a\",\"tag\":\"b\"}\n", 50, func(int) string { return `{"cid":"a","tag":"b","x":` + strings.Repeat("[", 1_000_000) + "\n" })},
		{"keys.jsonl", 2, "more than 4096 different keys", rows("", 50, func(n int) string {
			var b strings.Builder
			b.WriteString(`{"cid":"a"`)
			for i := range 60_000 {
				fmt.Fprintf(&b, `,"%d.%d":1`, n, i)
			}
			b.WriteString("}\n")
			return b.String()
		})},
		{"longkeys.jsonl", 3, "KEY_TOO_LONG", rows("{\"cid\":\"a\",\"p\":1}\n", max(50, many/400), func(n int) string { return fmt.Sprintf(`{"cid":"a","%d%s":1}`+"\n", n, strings.Repeat("k", 1_000_000)) })},
		{"names.csv", 3, "TAG_TOO_LONG", rows(head, many/10, func(n int) string { return fmt.Sprintf("c%d,%d%s\n", n, n, long) })},
		{"cids.csv", 3, "CID_TOO_LONG", rows(head, many/10, func(n int) string { return fmt.Sprintf("%d%s,x\n", n, long) })},
		{"nul.csv", 3, "NUL_BYTE", rows(head, many, func(n int) string { return "c\x00,x\n" })},
		{"latin1.csv", 3, "NOT_UTF8", rows(head, many, func(n int) string { return "c\xe9,x\n" })},
		{"utf16.csv", 2, "is UTF-16", text("\xff\xfec\x00i\x00d\x00")},
		{"utf16.csv.gz", 2, "UTF-16", text("\xff\xfec\x00i\x00d\x00\n\x00")},
		{"bom.csv", 0, "", text("\uFEFF" + head)},
		{"numbers.profiles.csv", 3, "TYPE_MISFIT", rows("cid,n\n", many, func(n int) string {
			return fmt.Sprintf("c%d,%s\n", n, []string{"1", "NaN", "Inf", "1e400", "-0", "1e-999999999", "99999999999999999999", "0x10"}[n%8])
		})},
		{"distinct.profiles.csv.gz", 0, "", rows("cid,"+columnNames(200)+"\n", many/40, func(n int) string {
			var b strings.Builder
			fmt.Fprintf(&b, "c%d", n)
			for c := range 200 {
				if c == n/20%200 {
					fmt.Fprintf(&b, ",%d%s", n, strings.Repeat("v", 4000))
				} else {
					fmt.Fprintf(&b, ",%d.%d", n, c)
				}
			}
			b.WriteByte('\n')
			return b.String()
		})},
		{"lists.profiles.csv.gz", 3, "LIST_TOO_LONG", rows("cid,l\n", many, func(n int) string {
			if n%100 == 0 {
				return fmt.Sprintf("c%d,%s\n", n, strings.Repeat("a|", 100_000))
			}
			return fmt.Sprintf("c%d,%s\n", n, strings.Repeat("a|", 250))
		})},
		{"sparse.profiles.jsonl.gz", 0, "", rows("", many, func(n int) string {
			var b strings.Builder
			fmt.Fprintf(&b, `{"cid":"c%d"`, n)
			for i := range 8 {
				fmt.Fprintf(&b, `,"k%d":"%d"`, (n*8+i)%4000, n)
			}
			b.WriteString("}\n")
			return b.String()
		})},
		{"truncated.csv.gz", 1, "it is truncated", nil},
	}
}

func exitOf(words string) int {
	if words == "RECORD_TOO_LONG" {
		return 3
	}
	return 1
}

func columnNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a%d", i)
	}
	return strings.Join(names, ",")
}

// create writes the file, compressed as its name says.
func (f hostileFile) create(dir string) (path string, err error) {
	path = filepath.Join(dir, f.name)
	switch f.name {
	case "window.csv.zst", "window64.csv.zst":
		windowBytes, bytesInAll := 512<<20, 9<<20
		if strings.Contains(f.name, "64") {
			windowBytes, bytesInAll = 64<<20, 70<<20
		}
		var packed bytes.Buffer
		z, err := zstd.NewWriter(&packed, zstd.WithWindowSize(windowBytes), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return "", err
		}
		if err := errors.Join(fill(z, "cid,tag\n"+strings.Repeat("\n", 1<<20-8), bytesInAll), z.Close()); err != nil {
			return "", err
		}
		return path, os.WriteFile(path, packed.Bytes(), 0o600)
	case "truncated.csv.gz":
		packed := gzipped('\n', 1<<20)
		return path, os.WriteFile(path, packed[:len(packed)/2], 0o600)
	}
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<20)
	var out io.WriteCloser = nopCloser{buffered}
	switch filepath.Ext(f.name) {
	case ".gz":
		out, err = gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	case ".zst":
		out, err = zstd.NewWriter(buffered, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	if err != nil {
		return "", err
	}
	return path, errors.Join(f.write(out), out.Close(), buffered.Flush())
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestLoaderOnHostileFiles(t *testing.T) {
	needsTime(t)
	program, dir := rig.Build(t), t.TempDir()
	// A server takes the rows, so that what is measured is the loader alone.
	data := filepath.Join(dir, "data")
	server := rig.MustStart(t, data, rig.Serve(program, data))
	serverBase := memoryMiB(t, server.Process.Process.Pid, "VmRSS")
	forgetPeak(t, server.Process.Process.Pid)
	run := func(file hostileFile, path string) (exit int, said string, peakMiB float64) {
		kind := "tags"
		if strings.Contains(file.name, "profiles") || strings.Contains(file.name, "keys") {
			kind = "profiles"
		}
		rejects := filepath.Join(dir, "rejects.csv")
		args := []string{"load", kind, path, "--server", server.Address, "--rejects", rejects}
		if strings.HasPrefix(file.name, "numbers") {
			args = append(args, "--type", "n=number")
		}
		if strings.HasPrefix(file.name, "lists") {
			args = append(args, "--type", "l=list")
		}
		exit, said, peakMiB = watch(t, exec.Command(program, args...))
		if rejected, err := os.Open(rejects); err == nil {
			first, _ := io.ReadAll(io.LimitReader(rejected, 64<<10))
			said += string(first)
			rejected.Close()
			os.Remove(rejects)
		}
		return exit, said, peakMiB
	}
	tiny := hostileFile{name: "tiny.csv", write: func(w io.Writer) error { _, err := io.WriteString(w, "cid,tag\na,b\n"); return err }}
	path, err := tiny.create(dir)
	if err != nil {
		t.Fatal(err)
	}
	exit, said, base := run(tiny, path)
	if exit != 0 {
		t.Fatalf("a tiny file: exit %d\n%s", exit, said)
	}
	t.Logf("a tiny file takes %.0f MiB", base)
	t.Logf("%-28s %8s %8s %6s  %s", "file", "MiB more", "seconds", "exit", "what is said")
	for _, f := range hostileFiles() {
		path, err := f.create(dir)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		exit, said, peak := run(f, path)
		t.Logf("%-28s %8.0f %8.1f %6d  %s", f.name, peak-base, time.Since(begun).Seconds(), exit, f.words)
		if exit != f.exit || !strings.Contains(said, f.words) {
			t.Errorf("%s: exit %d, not %d with %q:\n%.2000s", f.name, exit, f.exit, f.words, said)
		}
		if peak-base > mostAboveBaseMiB {
			t.Errorf("%s: the loader took %.0f MiB more than its base of %.0f", f.name, peak-base, base)
		}
		os.Remove(path)
	}
	t.Logf("the server that took it all: %.0f MiB above its base of %.0f", memoryMiB(t, server.Process.Process.Pid, "VmHWM")-serverBase, serverBase)
}

// watch runs a command and returns how it ended, what it said, and the most memory it took.
func watch(t *testing.T, command *exec.Cmd) (exit int, said string, peakMiB float64) {
	t.Helper()
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	// What the system tells of an ended child counts the memory of the parent that it was forked from.
	for {
		peakMiB = max(peakMiB, peakSoFarMiB(command.Process.Pid))
		select {
		case err := <-ended:
			if command.ProcessState == nil {
				t.Fatal(err)
			}
			return command.ProcessState.ExitCode(), out.String(), peakMiB
		case <-time.After(2 * time.Millisecond):
		}
	}
}
