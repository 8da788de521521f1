package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"connectrpc.com/connect"
)

func TestTrim(t *testing.T) {
	const header = "file,row,line,field,reason,message,cid,record\n"
	row := func(file string, row int) string { return fmt.Sprintf("%s,%d,1,,R,\"a\r\nb\",c,\n", file, row) }
	kept := header + row("a", 3) + row("other", 90) + row("a", 10)
	for name, c := range map[string]struct{ text, want string }{
		"nothing to drop":   {kept, kept},
		"rows met again":    {kept + row("a", 11) + row("a", 12) + row("b", 1), kept},
		"cut in a row":      {kept + "a,4,1,,R", kept},
		"cut in a quote":    {kept + "a,4,1,,R,\"x\n", kept},
		"cut at the end":    {kept + strings.TrimSuffix(row("a", 4), "\n"), kept},
		"cut in the header": {header[:20], ""},
		"empty":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "r.csv", c.text)
			w := newRejectsFile(path, []string{"cid"})
			if err := w.open(map[string]uint64{"a": 10, "b": 0}, true); err != nil {
				t.Fatal(err)
			}
			if _, err := w.close(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if string(got) != c.want || c.want != "" && err != nil {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
			if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
		})
	}
	w := newRejectsFile(write(t, "r.csv", "x,y\n1,2\n"), []string{"cid"})
	if err := w.open(nil, true); err == nil || !strings.Contains(err.Error(), "--rejects PATH") {
		t.Errorf("the error is %v", err)
	}
}

func TestStaleRejects(t *testing.T) {
	file := write(t, "a.csv", "cid\n1\n")
	client := (&fakeIngest{}).serve(t)
	job := purchases(file)
	job.RejectsPath = write(t, "r.csv", "of another load\n")
	if sum, err := Run(t.Context(), client, job, nil); err != nil || sum.RejectsPath != "" {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
	if _, err := os.Stat(job.RejectsPath); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
	if err := os.WriteFile(job.RejectsPath, []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum, err := Run(t.Context(), client, job, nil); err != nil || !sum.AlreadyLoaded() {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
	if got, err := os.ReadFile(job.RejectsPath); string(got) != "kept\n" {
		t.Errorf("a load with nothing to do made it %q, %v", got, err)
	}
}

func TestBrokenOff(t *testing.T) {
	wire := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{connect.NewError(connect.CodeUnavailable, fmt.Errorf("post: %w", io.EOF)), true},
		{connect.NewError(connect.CodeUnknown, wire("read", syscall.ECONNRESET)), true},
		{connect.NewError(connect.CodeUnknown, io.ErrUnexpectedEOF), true},
		{connect.NewError(connect.CodeUnavailable, wire("dial", syscall.ECONNREFUSED)), false},
		{connect.NewError(connect.CodeInternal, errors.New("EOF")), false},
	} {
		if got := brokenOff(c.err); got != c.want {
			t.Errorf("brokenOff(%v) = %v", c.err, got)
		}
	}
}

func TestServerKilledInACall(t *testing.T) {
	fake := &fakeIngest{reject: lateCIDs}
	cut := map[int]bool{}
	fake.after = func(call int) error { // each third write is carried out, but the connection is gone then
		if call%3 == 1 && !cut[call] {
			cut[call] = true
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	told := ""
	job := manyRowsJob(t, write(t, "a.csv", manyRows(50)))
	sum, err := Run(t.Context(), fake.serve(t), job, func(p Progress) {
		if p.Retrying != nil {
			told = p.Retrying.Error()
		}
	})
	if err != nil || sum.Rows != 50 || told != errBrokenOff.Error() {
		t.Errorf("Run = %+v, %v; told %q", sum, err, told)
	}
}
