package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
)

// checkTables reads the tables that Badger's own manifest lists and compares their checksums, as
// Badger does, but without ending the process over what it finds. Tables that are not listed
// are left: Badger removes them.
func checkTables(dir string, allBlocks bool, checking func(done, all int64) error) error {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return checkNoTables(dir)
	}
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	defer f.Close()
	manifest, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return &DamageError{Reason: fmt.Sprintf("Badger's MANIFEST: %v", err)}
	}
	sizes := map[uint64]int64{}
	var all int64
	for id := range manifest.Tables {
		// A table that is not there is found below.
		if info, err := os.Stat(table.NewFilename(id, dir)); err == nil {
			sizes[id], all = info.Size(), all+info.Size()
		}
	}
	var (
		group, ctx = errgroup.WithContext(context.Background())
		mu         sync.Mutex
		done       int64
	)
	group.SetLimit(2)
	for id, listed := range manifest.Tables {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil // another one has the error
			}
			name := table.NewFilename(id, dir)
			if listed.Compression != options.None {
				return &DamageError{Reason: fmt.Sprintf("table %s is compressed; no table of an index is", name)}
			}
			if err := checkTable(name, allBlocks); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done += sizes[id]
			return checking(done, all)
		})
	}
	return group.Wait()
}

// checkNoTables refuses tables without a manifest: Badger would start empty and remove them.
func checkNoTables(dir string) error {
	tables, err := filesWith(dir, ".sst")
	if err == nil && len(tables) > 0 {
		return &DamageError{Reason: fmt.Sprintf("Badger's MANIFEST is missing beside %d tables", len(tables))}
	}
	return err
}

// A table is blocks, then an index of their places: index | its length 4 | checksum | its length 4.
// A block ends in the checksum of what is before it, and the checksum's length 4.
func checkTable(name string, allBlocks bool) (err error) {
	damaged := func(what string, args ...any) error {
		return &DamageError{Reason: fmt.Sprintf("table %s: ", filepath.Base(name)) + fmt.Sprintf(what, args...)}
	}
	defer func() {
		if p := recover(); p != nil {
			err = damaged("unreadable: %v", p)
		}
	}()
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return damaged("it is missing")
	}
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	end := info.Size()
	// before reads the n bytes before end and moves end to their start.
	before := func(n int64) ([]byte, error) {
		if n < 0 || n > end {
			return nil, damaged("its end is not that of a table")
		}
		b := make([]byte, n)
		if _, err := f.ReadAt(b, end-n); err != nil {
			return nil, damaged("%v", err)
		}
		end -= n
		return b, nil
	}
	sized := func() ([]byte, error) {
		n, err := before(4)
		if err != nil {
			return nil, err
		}
		return before(int64(binary.BigEndian.Uint32(n)))
	}
	sum, err := sized()
	if err != nil {
		return err
	}
	index, err := sized()
	if err != nil {
		return err
	}
	if !sumMatches(index, sum) || len(index) == 0 {
		return damaged("its index does not match its checksum")
	}
	return checkBlocks(f, end, index, allBlocks, damaged)
}

func checkBlocks(f *os.File, end int64, index []byte, all bool, damaged func(string, ...any) error) error {
	root := fb.GetRootAsTableIndex(index, 0)
	blocks := root.OffsetsLength()
	if blocks == 0 {
		return damaged("it has no blocks")
	}
	first := 0
	if !all {
		first = blocks - 1
	}
	var buf []byte
	for i := first; i < blocks; i++ {
		var place fb.BlockOffset
		if !root.Offsets(&place, i) || int64(place.Offset())+int64(place.Len()) > end || place.Len() < 8 {
			return damaged("block %d is out of place", i)
		}
		if cap(buf) < int(place.Len()) {
			buf = make([]byte, place.Len())
		}
		buf = buf[:place.Len()]
		if _, err := f.ReadAt(buf, int64(place.Offset())); err != nil {
			return damaged("block %d: %v", i, err)
		}
		data := buf[:len(buf)-4]
		sumBytes := int(binary.BigEndian.Uint32(buf[len(data):]))
		if sumBytes > len(data) || !sumMatches(data[:len(data)-sumBytes], data[len(data)-sumBytes:]) {
			return damaged("block %d of %d, at byte %d, does not match its checksum", i, blocks, place.Offset())
		}
	}
	return nil
}

func sumMatches(data, encoded []byte) bool {
	var sum pb.Checksum
	if proto.Unmarshal(encoded, &sum) != nil || sum.Algo != pb.Checksum_CRC32C {
		return false
	}
	return sum.Sum == uint64(crc32.Checksum(data, castagnoli))
}
