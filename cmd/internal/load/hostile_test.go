package load

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"whowhen.dev/whowhen/segments/value"
)

// TestOneHostileRowIsOneReject holds that a row made to exhaust costs that row and no other, with a reason.
func TestOneHostileRowIsOneReject(t *testing.T) {
	long := strings.Repeat("x", 10_240)
	for name, c := range map[string]struct {
		file, text string
		change     func(*Job)
		rejects    string
	}{
		"CID":        {"f.csv", "cid\n" + long + "\nanna\n", nil, "CID_TOO_LONG 1"},
		"event":      {"f.csv", "cid,event\nbert," + long + "\nanna,buy\n", func(j *Job) { j.Event = "" }, "EVENT_TOO_LONG 1"},
		"key":        {"f.jsonl", `{"cid":"bert","` + long + `":1}` + "\n" + `{"cid":"anna"}` + "\n", nil, "KEY_TOO_LONG 1"},
		"list":       {"f.csv", "cid,l\nbert," + strings.Repeat("a|", 1000) + "\nanna,\n", func(j *Job) { j.Types = []Pair{{"l", "list"}} }, "LIST_TOO_LONG 1"},
		"many cells": {"f.csv", "cid\n" + strings.Repeat(",", 500_000) + "\nanna\n", nil, "FIELD_COUNT 1"},
		"long line":  {"f.csv", "cid\n" + strings.Repeat("\x00", 5<<20) + "\nanna\n", nil, "RECORD_TOO_LONG 1"},
		"nested":     {"f.jsonl", `{"cid":"bert","x":` + strings.Repeat("[", 500_000) + "\n" + `{"cid":"anna"}` + "\n", nil, "JSON_NESTED 1"},
	} {
		t.Run(name, func(t *testing.T) {
			job := purchases(write(t, c.file, c.text))
			job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
			if c.change != nil {
				c.change(&job)
			}
			fake := &fakeIngest{}
			summary, err := Run(t.Context(), fake.serve(t), job, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := reasons(t, job.RejectsPath); got != c.rejects || summary.Accepted != 1 || at(fake.rows) != "anna" {
				t.Errorf("rejected %q, taken %q", got, at(fake.rows))
			}
		})
	}
}

// endless is a text without end, of one byte.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestLineWithoutEnd(t *testing.T) {
	in := newLines(io.MultiReader(strings.NewReader("cid\n"), endless('x')))
	r, err := newCSVReader(in, "f.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.next(); err == nil || !strings.Contains(err.Error(), "line 2: no line ends within 1024 MiB") {
		t.Errorf("%v", err)
	}
	if _, err := newCSVReader(newLines(endless('x')), "f.csv"); err == nil || !strings.Contains(err.Error(), "the header, line 1, is longer than 1048576 bytes") {
		t.Errorf("%v", err)
	}
}

func TestDictionariesAreNotHoarded(t *testing.T) {
	var free []*dict
	for range 64 {
		d := newDict()
		d.code([]byte(strings.Repeat("x", 4<<20)))
		d.take()
		free = append(free, d)
	}
	small := newDict()
	if got := trimDicts(append(free, small)); len(got) > 5 || got[len(got)-1] != small {
		t.Errorf("%d dictionaries are kept", len(got))
	}
}

// TestBatchesStaySmall holds that no file makes batches that the server would refuse for the memory they take.
func TestBatchesStaySmall(t *testing.T) {
	items := strings.Split(strings.Repeat("a ", 200), " ")
	p := &plan{job: &Job{Kind: Profiles}}
	for i := range 20 {
		p.columns = append(p.columns, column{name: fmt.Sprint(i), kind: value.List})
		p.props = append(p.props, property{fmt.Sprint(i), i})
	}
	b := newBatcher(p, "load", 0)
	r := &row{cid: []byte("anna")}
	for range p.props {
		r.values = append(r.values, &datum{kind: value.List, list: items})
	}
	rows := 0
	for ; !b.full(); rows++ {
		b.take(&record{raw: []byte("x")}, taken, nil, r)
	}
	if most := maxBatchCells/(20*200) + 1; rows > most {
		t.Errorf("%d rows of 4,000 items in one batch, more than %d", rows, most)
	}
}
