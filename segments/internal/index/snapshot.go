package index

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"whowhen.dev/whowhen/segments/internal/store"
)

// A snapshot is the saved index in one file: a header, a frame for each key of the store, ascending by
// kind, and at the end a frame without a key that holds the manifest. Each frame has a CRC32C
// chained over all before it, so that nothing can be missing, twice or out of order.
var snapshotHeader = []byte("whowhen snapshot 1\n")

const (
	frameHeaderBytes = 2 + 4 // lengths of key and value
	maxSnapshotKey   = 4 << 10
	maxSnapshotValue = 1 << 30
)

// Snapshot writes the saved index as it is when called, and returns its position.
func (ix *Index) Snapshot(to io.Writer) (position uint64, err error) {
	ix.mu.Lock()
	saved := ix.saved
	if saved.version == nil {
		ix.mu.Unlock()
		return 0, errors.New("snapshot: nothing is saved yet")
	}
	ix.pins[saved.sequence]++ // what later checkpoints replace stays until it is written
	ix.mu.Unlock()
	defer ix.unpin(saved.sequence)
	live, err := ix.live(&saved)
	if err != nil {
		return 0, err
	}
	w := &snapshotWriter{to: bufio.NewWriterSize(to, 1<<20), table: crc32.MakeTable(crc32.Castagnoli)}
	if _, err := w.to.Write(snapshotHeader); err != nil {
		return 0, err
	}
	for _, prefix := range allPrefixes {
		var keys [][]byte
		err := ix.store.Keys([]byte{byte(prefix)}, func(key []byte, _ int) error {
			if live[string(key)] {
				keys = append(keys, append([]byte(nil), key...))
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			value, err := ix.store.Get(key)
			if err != nil {
				return 0, fmt.Errorf("snapshot: %w", err)
			}
			delete(live, string(key))
			if err := w.frame(key, value); err != nil {
				return 0, err
			}
		}
	}
	for key := range live {
		return 0, fmt.Errorf("snapshot: %x is listed but not there", key)
	}
	if err := w.frame(nil, saved.manifest); err != nil {
		return 0, err
	}
	return saved.version.Position, w.to.Flush()
}

// allPrefixes are the first letters of all keys in the store.
const allPrefixes = "scdvfb"

type snapshotWriter struct {
	to    *bufio.Writer
	table *crc32.Table
	chain uint32
}

func (w *snapshotWriter) frame(key, value []byte) error {
	var head [frameHeaderBytes]byte
	binary.BigEndian.PutUint16(head[:], uint16(len(key)))
	binary.BigEndian.PutUint32(head[2:], uint32(len(value)))
	for _, part := range [][]byte{head[:], key, value} {
		w.chain = crc32.Update(w.chain, w.table, part)
		if _, err := w.to.Write(part); err != nil {
			return err
		}
	}
	_, err := w.to.Write(binary.BigEndian.AppendUint32(nil, w.chain))
	return err
}

// ReadSnapshot reads a snapshot to its end, checks it, and returns its position. It calls each with every key and
// value, which are good until it returns.
func ReadSnapshot(from io.Reader, each func(key, value []byte) error) (position uint64, manifestBytes []byte, err error) {
	r := bufio.NewReaderSize(from, 1<<20)
	head := make([]byte, len(snapshotHeader))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != string(snapshotHeader) {
		return 0, nil, errors.New("snapshot: not a snapshot of this format")
	}
	table, chain := crc32.MakeTable(crc32.Castagnoli), uint32(0)
	var buf []byte
	for frame := 0; ; frame++ {
		damaged := func(what string) (uint64, []byte, error) {
			return 0, nil, fmt.Errorf("snapshot: frame %d: %s", frame, what)
		}
		var lengths [frameHeaderBytes]byte
		if _, err := io.ReadFull(r, lengths[:]); err != nil {
			return damaged("cut short")
		}
		keyBytes, valueBytes := int(binary.BigEndian.Uint16(lengths[:])), int(binary.BigEndian.Uint32(lengths[2:]))
		if keyBytes > maxSnapshotKey || valueBytes > maxSnapshotValue {
			return damaged("impossible lengths")
		}
		if buf, err = readGrowing(r, buf[:0], keyBytes+valueBytes+4); err != nil {
			return damaged("cut short")
		}
		body := buf[:keyBytes+valueBytes]
		chain = crc32.Update(crc32.Update(chain, table, lengths[:]), table, body)
		if binary.BigEndian.Uint32(buf[len(body):]) != chain {
			return damaged("wrong checksum")
		}
		if keyBytes > 0 {
			if err := each(body[:keyBytes], body[keyBytes:]); err != nil {
				return 0, nil, err
			}
			continue
		}
		if _, err := r.ReadByte(); err != io.EOF {
			return damaged("something follows the end")
		}
		var m manifest
		if err := json.Unmarshal(body, &m); err != nil || m.Format != formatVersion {
			return damaged("no manifest of this format")
		}
		return m.Position, append([]byte(nil), body...), nil
	}
}

// readGrowing reads n bytes, taking memory only as they come.
func readGrowing(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for len(buf) < n {
		from := len(buf)
		more := min(step, n-from)
		buf = append(buf, make([]byte, more)...)
		if _, err := io.ReadFull(r, buf[from:]); err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// RestoreSnapshot fills an empty store from a snapshot, so that New finds the index there. After an error the store
// must be destroyed.
func RestoreSnapshot(st *store.Store, from io.Reader) error {
	w := st.Writer()
	defer w.Cancel()
	_, m, err := ReadSnapshot(from, func(key, value []byte) error {
		return w.Put(bytes.Clone(key), bytes.Clone(value))
	})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return st.SetManifest(m)
}
