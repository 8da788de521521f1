package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// readObject reads one line as the loader does.
func readObject(line string) (map[string]string, *fault) {
	members := map[string]string{}
	s := jsonScanner{text: []byte(line)}
	f := s.object(func(key []byte, c cell) *fault {
		members[string(key)] = fmt.Sprintf("%d %s", c.kind, c.text)
		return nil
	})
	return members, f
}

func TestJSONObject(t *testing.T) {
	got, f := readObject(" { \"a\" : 1.50e2 ,\t\"b\":\"x\\n\\u00e9\\ud83d\\ude00\\\"\",\"c\":true,\"d\":null,\"e\":[ \"p\" , \"q\" ],\"f\":\"\" } ")
	if f != nil {
		t.Fatal(f)
	}
	want := map[string]string{"a": "3 1.50e2", "b": "2 x\né😀\"", "c": "4 true", "d": "0 ", "e": "5 [ \"p\" , \"q\" ]", "f": "2 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for line, reason := range map[string]string{
		"": "JSON_SYNTAX", "[]": "JSON_SYNTAX", "{": "JSON_SYNTAX", "{}x": "JSON_SYNTAX", `{"a":1,}`: "JSON_SYNTAX", `{"a" 1}`: "JSON_SYNTAX", `{a:1}`: "JSON_SYNTAX",
		`{"a":01}`: "JSON_SYNTAX", `{"a":+1}`: "JSON_SYNTAX", `{"a":1.}`: "JSON_SYNTAX", `{"a":.5}`: "JSON_SYNTAX", `{"a":NaN}`: "JSON_SYNTAX", `{"a":"\x"}`: "JSON_SYNTAX",
		`{"a":"\ud800"}`: "JSON_SYNTAX", "{\"a\":\"\t\"}": "JSON_SYNTAX", `{"a":"x}`: "JSON_SYNTAX", `{"a":tru}`: "JSON_SYNTAX",
		`{"a":{}}`: "JSON_NESTED", `{"a":[1]}`: "JSON_NESTED", `{"a":["x",["y"]]}`: "JSON_NESTED", `{"a":"\u0000"}`: "NUL_BYTE", `{"a":["x"}`: "JSON_SYNTAX",
	} {
		if _, f := readObject(line); f == nil || f.reason != reason {
			t.Errorf("%q: fault %v, want %s", line, f, reason)
		}
	}
}

func FuzzJSONLine(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":"\u00e9\n","b":[],"c":["x"],"d":null,"e":true,"f":-1.5e-3}`, `{"a":"\ud83d\ude00"}`, `{"a":{"b":1}}`, `{"a":1}}`, ` { } `, `{"a":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if !utf8.ValidString(line) {
			return // refused before
		}
		got, fault := readObject(line)
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		err := d.Decode(&want)
		if err == nil && want == nil || !json.Valid([]byte(line)) {
			err = io.ErrUnexpectedEOF
		}
		if fault == nil && err != nil {
			t.Fatalf("%q was taken as %v; encoding/json: %v", line, got, err)
		}
		if fault != nil {
			if fault.reason == "JSON_SYNTAX" && err == nil && !strings.Contains(line, `\u`) {
				t.Fatalf("%q was refused: %s", line, fault.message)
			}
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %v, encoding/json says %v", line, got, want)
		}
		for key, w := range want {
			text := ""
			switch w := w.(type) {
			case nil:
				text = "0 "
			case string:
				text = "2 " + w
			case json.Number:
				text = "3 " + w.String()
			case bool:
				text = fmt.Sprintf("4 %v", w)
			case []any:
				items, problem := listOf(cell{cellList, []byte(strings.TrimPrefix(got[key], "5 "))})
				if problem != "" || len(items) != len(w) {
					t.Fatalf("%q: %s is %v, encoding/json says %v", line, key, items, w)
				}
				for i := range w {
					if items[i] != w[i] {
						t.Fatalf("%q: %s is %v, encoding/json says %v", line, key, items, w)
					}
				}
				continue
			}
			if got[key] != text {
				t.Fatalf("%q: %s is %q, encoding/json says %q", line, key, got[key], text)
			}
		}
	})
}

func TestJSONLinesLimits(t *testing.T) {
	var keys strings.Builder
	for i := range maxFileColumns + 1 {
		fmt.Fprintf(&keys, "{\"k%d\":1}\n", i)
	}
	read := func(only map[string]bool) error {
		r, err := newJSONReader(newLines(strings.NewReader(keys.String())), "f", nil, only)
		for err == nil {
			_, err = r.next()
		}
		return err
	}
	if err := read(nil); err == nil || !strings.Contains(err.Error(), "line 4097: the objects have more than 4096 different keys") {
		t.Error(err)
	}
	if err := read(map[string]bool{"k5": true}); err != io.EOF {
		t.Error(err)
	}

	long := []byte("{\"a\":\"" + strings.Repeat("x", maxRecordBytes) + "\"}\n{\"a\":1}\n")
	r, err := newJSONReader(newLines(bytes.NewReader(long)), "f", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := r.next(); err != nil || rec.fault == nil || rec.fault.reason != "RECORD_TOO_LONG" {
		t.Errorf("next = %+v, %v", rec, err)
	}
	if rec, err := r.next(); err != nil || rec.fault != nil || rec.line != 2 {
		t.Errorf("next = %+v, %v", rec, err)
	}
}
