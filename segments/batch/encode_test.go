package batch_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// TestEncoding reads back what was written: the same batch, in no more bytes than were promised.
func TestEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genBatch(t)
		data := b.AppendTo([]byte("before"))
		if !bytes.HasPrefix(data, []byte("before")) {
			t.Fatal("AppendTo overwrites what was in the buffer")
		}
		data = data[len("before"):]
		if bound := b.EncodedBound(); len(data) > bound {
			t.Fatalf("%d bytes, more than the bound of %d", len(data), bound)
		}
		got, err := batch.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		same := cmp.Options{
			cmpopts.EquateEmpty(),
			cmpopts.IgnoreFields(batch.Events{}, "Index"), cmpopts.IgnoreFields(batch.Tags{}, "Index"), cmpopts.IgnoreFields(batch.Profiles{}, "Index"),
		}
		if d := cmp.Diff(b, got, same); d != "" {
			t.Fatalf("read back otherwise (-written +read):\n%s", d)
		}
		for n := range data {
			if _, err := batch.Decode(data[:n]); err == nil {
				t.Fatalf("%d of %d bytes are read without an error", n, len(data))
			}
		}
		if _, err := batch.Decode(append(data[:len(data):len(data)], 0)); err == nil {
			t.Fatal("a byte too many is read without an error")
		}
	})
}

// FuzzDecode reads anything: without a panic, and what it can read it writes so that it reads the same again.
func FuzzDecode(f *testing.F) {
	for i := range 8 {
		f.Add(rapid.Custom(genBatch).Example(i).AppendTo(nil))
	}
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := batch.Decode(data)
		if err != nil {
			return
		}
		once := b.AppendTo(nil)
		if bound := b.EncodedBound(); len(once) > bound {
			t.Fatalf("%d bytes, more than the bound of %d", len(once), bound)
		}
		again, err := batch.Decode(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if twice := again.AppendTo(nil); !bytes.Equal(once, twice) {
			t.Fatalf("written as %x, then as %x", once, twice)
		}
		_ = b.Records()
		for i := range b.Events {
			e := &b.Events[i]
			for row := range e.CIDs.Len() {
				_ = e.CIDs.At(row)
			}
			use(e.Props, e.CIDs.Len())
		}
		for i := range b.Profiles {
			use(b.Profiles[i].Set, b.Profiles[i].CIDs.Len())
		}
	})
}

func use(columns []batch.Column, rows int) {
	for k := range columns {
		for row := range rows {
			if v := columns[k].Value(row); v.Kind == value.Date {
				panic("a date came out of a batch")
			}
		}
	}
}
