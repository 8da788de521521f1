package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// judge reads the same text with encoding/csv. Its rows are nil where it found a fault. closed is false when
// a quote is never closed, which is where it stops.
func judge(text string) (rows [][]string, closed bool) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		row, err := r.Read()
		var fault *csv.ParseError
		switch {
		case err == io.EOF:
			return rows, true
		case errors.As(err, &fault):
			if errors.Is(err, csv.ErrQuote) && r.InputOffset() == int64(len(text)) && openQuote(text) {
				return rows, false
			}
			rows = append(rows, nil)
		default:
			rows = append(rows, row)
		}
	}
}

// openQuote asks encoding/csv whether one more quote and line would still belong to the last record.
func openQuote(text string) bool {
	r := csv.NewReader(strings.NewReader(text + "\"\nprobe"))
	r.FieldsPerRecord = -1
	for {
		row, err := r.Read()
		if err == io.EOF {
			return false
		}
		if err == nil && r.InputOffset() >= int64(len(text)+2) {
			return len(row) != 1 || row[0] != "probe"
		}
	}
}

func readAllCSV(t rapid.TB, from io.Reader) (rows [][]string, closed bool) {
	// The buffer is small, so that it moves and grows.
	in := &lines{from: from, sum: sha256.New(), buf: make([]byte, 16), number: 1}
	r := &csvReader{in: in, name: "f"}
	for {
		rec, err := r.read()
		var wrong *UsageError
		switch {
		case err == io.EOF:
			return rows, true
		case errors.As(err, &wrong):
			return rows, false
		case err != nil:
			t.Fatal(err)
		case rec.fault != nil && rec.fault.reason == "QUOTE":
			rows = append(rows, nil)
		default:
			row := []string{}
			for _, c := range rec.cells {
				row = append(row, strings.ReplaceAll(string(c.text), "\r\n", "\n"))
				if (c.kind == cellAbsent) != (len(c.text) == 0) {
					t.Fatalf("cell %q has kind %d", c.text, c.kind)
				}
			}
			rows = append(rows, row)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\r\n1,2\r\n", "\n\n a , \"b\"\"c\" \n", "\"a\nb\",c\n", "\"a\r\nb\"\r\n", "a\"b\n", "\"a\"b\n", "\"a", "a,\"b\n\nc\",", "\"\"\"\",\"\"",
		"a\r", "a,b\r\r\n", "\r\n\r", "\"a\"\r", ",\n,,\n", "\"x\"\"\ny\"\n\"open\nlast", "\"a\rb\"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { compareCSV(t, text) })
}

func TestCSVAgainstEncodingCSV(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab,,\"\"\"\n\n\r")), 0, 24, -1)
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			compareCSV(t, text.Draw(t, "text"))
		}
	})
}

func compareCSV(t rapid.TB, text string) {
	want, wantClosed := judge(text)
	got, closed := readAllCSV(t, iotest.OneByteReader(strings.NewReader(text)))
	if closed != wantClosed || !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%q: got %q, closed %v; encoding/csv says %q, %v", text, got, closed, want, wantClosed)
	}
}

func TestCSVLinesAndRaw(t *testing.T) {
	text := "h\n\"a\nb\"\n\nc\n\"d\"e\nf\r\n"
	in := newLines(strings.NewReader(text))
	r, err := newCSVReader(in, "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		line uint64
		raw  string
	}{{2, "\"a\nb\""}, {5, "c"}, {6, "\"d\"e"}, {7, "f"}} {
		rec, err := r.next()
		if err != nil || rec.line != want.line || string(rec.raw) != want.raw {
			t.Fatalf("next = %+v, %v; want line %d, %q", rec, err, want.line, want.raw)
		}
	}
	if _, err := r.next(); err != io.EOF {
		t.Fatal(err)
	}
}

func TestLongRecords(t *testing.T) {
	long := strings.Repeat("x", maxRecordBytes)
	in := newLines(strings.NewReader("h\n" + long + "\nshort\n" + long[1:] + "\nlast,\"" + long))
	r, err := newCSVReader(in, "f")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := r.next()
	if err != nil || rec.fault == nil || rec.fault.reason != "RECORD_TOO_LONG" || len(rec.raw) != 1024 {
		t.Fatalf("next = %+v, %v", rec, err)
	}
	if rec, err = r.next(); err != nil || rec.fault != nil || string(rec.raw) != "short" || rec.line != 3 {
		t.Fatalf("next = %+v, %v", rec, err)
	}
	if rec, err = r.next(); err != nil || rec.fault != nil || len(rec.raw) != maxRecordBytes-1 {
		t.Fatalf("a record of the most bytes: %+v, %v", rec.fault, err)
	}
	if rec, err = r.next(); err != nil || rec.fault == nil {
		t.Fatalf("next = %+v, %v", rec, err)
	}
	if _, err = r.next(); err != io.EOF {
		t.Fatal(err)
	}

	in = newLines(strings.NewReader("h\n\"" + strings.Repeat("line\n", maxRecordBytes/5+1) + "\"\n"))
	if r, err = newCSVReader(in, "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.next(); err == nil || !strings.Contains(err.Error(), "the quote that opens in line 2 is not closed within 1048576 bytes") {
		t.Fatal(err)
	}
}

func TestSplitCSV(t *testing.T) {
	for text, want := range map[string][]string{"a,\"b,\"\"c\",": {"a", "b,\"c", ""}, "\"a\nb\"": {"a\nb"}, "\xff,a": {"\xff", "a"}, "a\"b": nil} {
		got, ok := splitCSV([]byte(text))
		if ok != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("splitCSV(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}

func FuzzCSVHeader(f *testing.F) {
	f.Add([]byte("\uFEFFcid,a\n1,2\n"))
	f.Add([]byte("cid;a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := newCSVReader(newLines(bytes.NewReader(text)), "f")
		for err == nil {
			_, err = r.next()
		}
		var wrong *UsageError
		if err != io.EOF && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	})
}
