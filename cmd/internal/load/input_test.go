package load

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(tb testing.TB, text string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func zstded(tb testing.TB, text string) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func TestCompressed(t *testing.T) {
	text := "cid,v\n1,2\n"
	plain := write(t, "a.csv", text)
	for name, content := range map[string][]byte{
		"a.csv.gz": gzipped(t, text), "A.CSV.GZ": gzipped(t, text), "unnamed": gzipped(t, text), "a.csv.zst": zstded(t, text),
		"two.csv.gz": append(gzipped(t, text[:5]), gzipped(t, text[5:])...),
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeIngest{}
			client := fake.serve(t)
			sum, err := Run(t.Context(), client, purchases(write(t, name, string(content))), nil)
			if err != nil || at(fake.rows) != "1 v=2" {
				t.Fatalf("Run = %+v, %v; rows %q", sum, err, fake.rows)
			}
			if sum, err = Run(t.Context(), client, purchases(plain), nil); err != nil || !sum.AlreadyLoaded() {
				t.Errorf("the same text uncompressed: %+v, %v", sum, err)
			}
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	text := manyRows(20_000)
	gz, zst := gzipped(t, text), zstded(t, text)
	flipped := bytes.Clone(gz)
	flipped[len(flipped)-5] ^= 1
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"cut.csv.gz":      {gz[:len(gz)/2], "cut.csv.gz: the archive ends too early: it is truncated"},
		"tail.csv.gz":     {gz[:len(gz)-3], "tail.csv.gz: the archive ends too early: it is truncated"},
		"header.csv.gz":   {gz[:5], "header.csv.gz: the gzip header is damaged"},
		"flipped.csv.gz":  {flipped, "flipped.csv.gz: the archive is damaged"},
		"trailing.csv.gz": {append(bytes.Clone(gz), "garbage garbage"...), "trailing.csv.gz: the archive is damaged"},
		"cut.csv.zst":     {zst[:len(zst)/2], "cut.csv.zst: the archive"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeIngest{}
			job := manyRowsJob(t, write(t, name, string(c.content)))
			_, err := Run(t.Context(), fake.serve(t), job, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if fake.calls > 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestBomb(t *testing.T) {
	// 64 MiB of one line: it is passed over in bounded memory and rejected.
	fake := &fakeIngest{}
	job := purchases(write(t, "bomb.csv.gz", string(gzipped(t, "cid\n"+strings.Repeat("x", 64<<20)+"\n1\n"))))
	sum, err := Run(t.Context(), fake.serve(t), job, nil)
	if err != nil || sum.RejectedBy["RECORD_TOO_LONG"] != 1 || sum.Accepted != 1 {
		t.Errorf("Run = %+v, %v", sum, err)
	}
}

func TestStdin(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		format  Format
	}{
		"csv":      {content: "cid,v\n1,5\n2,x\n"},
		"csv.gz":   {content: string(gzipped(t, "cid,v\n1,5\n2,x\n"))},
		"csv.zst":  {content: string(zstded(t, "cid,v\n1,5\n2,x\n"))},
		"jsonl":    {content: "{\"cid\":1,\"v\":5}\n{\"cid\":2,\"v\":\"x\"}\n"},
		"by flag":  {content: "cid,v\n1,5\n2,x\n", format: CSV},
		"jsonl gz": {content: string(gzipped(t, "\n {\"cid\":1,\"v\":5}\n{\"cid\":2,\"v\":\"x\"}\n"))},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeIngest{}
			job := purchases("-")
			job.Stdin, job.Format, job.TempDir = strings.NewReader(c.content), c.format, t.TempDir()
			if _, err := Run(t.Context(), fake.serve(t), job, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("1 v=\"5\"\n2 v=\"x\"", at(fake.rows)); diff != "" {
				t.Error(diff)
			}
			left, err := filepath.Glob(filepath.Join(job.TempDir, "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	job := purchases("-")
	job.TempDir = filepath.Join(t.TempDir(), "none")
	job.Stdin = strings.NewReader("x")
	if _, err := Run(t.Context(), (&fakeIngest{}).serve(t), job, nil); err == nil || !strings.Contains(err.Error(), "cannot be spooled") {
		t.Errorf("the error is %v", err)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	client := (&fakeIngest{}).serve(t)
	if _, err := Run(t.Context(), client, purchases(filepath.Join(dir, "none.csv")), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	if _, err := Run(t.Context(), client, purchases(dir), nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("the error is %v", err)
	}
	job := purchases(write(t, "a.csv", "cid\n\"\"\n"))
	job.RejectsPath = filepath.Join(dir, "none", "rejects.csv")
	if _, err := Run(t.Context(), client, job, nil); err == nil || !strings.Contains(err.Error(), "name another file with --rejects PATH") {
		t.Errorf("the error is %v", err)
	}
	sum, err := Run(t.Context(), client, purchases(write(t, "a.csv", "cid\n"), write(t, "b.jsonl", "\n")), nil)
	if err != nil || len(sum.Warnings) != 2 || len(sum.Files) != 2 || sum.Rows != 0 {
		t.Errorf("two files without rows: %+v, %v", sum, err)
	}
}

func TestFileChanges(t *testing.T) {
	path := write(t, "a.csv", manyRows(100))
	fake := &fakeIngest{}
	_, err := Run(t.Context(), fake.serve(t), manyRowsJob(t, path), func(p Progress) {
		if p.Phase == Reading {
			if err := os.WriteFile(path, []byte(manyRows(110)), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "changed while it was being loaded") {
		t.Errorf("the error is %v", err)
	}
	for id, state := range fake.loads {
		if state.Finished {
			t.Errorf("load %s is finished", id)
		}
	}
}

func TestProgress(t *testing.T) {
	text := manyRows(100)
	a, b := write(t, "a.csv", text), write(t, "b.csv", "cid,event,n\n1,x,1\n")
	var reports []Progress
	sum, err := Run(t.Context(), (&fakeIngest{}).serve(t), manyRowsJob(t, a, b), func(p Progress) { reports = append(reports, p) })
	if err != nil {
		t.Fatal(err)
	}
	last := reports[len(reports)-1]
	if last.Phase != Loading || last.Rows != sum.Rows || last.BytesRead != last.BytesTotal || last.File != b || last.FileIndex != 1 {
		t.Errorf("the last report is %+v", last)
	}
	for i, p := range reports[1:] {
		if before := reports[i]; p.Phase == before.Phase && (p.BytesRead < before.BytesRead || p.Rows < before.Rows) || p.BytesRead > p.BytesTotal {
			t.Errorf("%+v after %+v", p, before)
		}
	}
}
