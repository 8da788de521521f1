package index

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// FuzzState opens an index whose manifest and state are anything: with an error, or as an index that can be read and checked.
func FuzzState(f *testing.F) {
	seed := someIndex(f)
	st := seed.store
	state, err := st.Get(stateKey(seed.saved.generation))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed.saved.manifest, state)
	f.Add([]byte(`{"format":1}`), []byte(`{}`))
	f.Add([]byte(`{"format":1,"cids":1}`), []byte(`{"batch_ids":[{"bits":40}],"shards":[{}]}`))
	generation := uint64(1000)
	f.Fuzz(func(t *testing.T, manifestData, stateData []byte) {
		var m manifest
		if json.Unmarshal(manifestData, &m) == nil {
			// A state that the manifest does not name is refused at once: let it be the right one.
			generation++
			m.Format, m.Generation, m.State = formatVersion, generation, sum(stateData)
			var err error
			if manifestData, err = encodeJSON(m); err != nil {
				t.Fatal(err)
			}
			w := st.Writer()
			if err := w.Put(stateKey(generation), stateData); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.SetManifest(manifestData); err != nil {
			return // too long
		}
		// What it does not list is swept, so the fragments of the seed are there for the first time only.
		ix, err := New(st, time.UTC, NewHot(1<<20), func(err error) error { return err })
		if err != nil {
			return
		}
		if err := ix.Verify(t.Context(), func(string) {}, func(int, int) {}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSnapshot reads anything as a snapshot: what is taken without an error is what was written.
func FuzzSnapshot(f *testing.F) {
	var written bytes.Buffer
	if _, err := someIndex(f).Snapshot(&written); err != nil {
		f.Fatal(err)
	}
	f.Add(written.Bytes())
	f.Add(snapshotHeader)
	f.Add(written.Bytes()[:written.Len()-5])
	f.Fuzz(func(t *testing.T, data []byte) {
		keys := 0
		_, m, err := ReadSnapshot(bytes.NewReader(data), func(key, _ []byte) error {
			keys++
			if len(key) == 0 {
				t.Error("an empty key")
			}
			return nil
		})
		if err == nil && (len(m) == 0 || keys == 0 && bytes.Equal(data, written.Bytes())) {
			t.Errorf("taken with manifest %q and %d keys", m, keys)
		}
	})
}
