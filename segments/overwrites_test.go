package segments

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// overwrite sets every attribute and tag of many CIDs anew.
func overwrite(t *testing.T, a *App, cids int, round uint64) {
	t.Helper()
	const attributes, tags = 6, 6
	random := rand.New(rand.NewPCG(1, round))
	for first := 0; first < cids; first += 10_000 {
		n := min(10_000, cids-first)
		var who batch.CIDs
		for i := range n {
			who.Packed = binary.BigEndian.AppendUint64(who.Packed, uint64(first+i))
			who.Packed = binary.BigEndian.AppendUint64(who.Packed, uint64(first+i)*0x9e3779b97f4a7c15)
		}
		own := func() batch.CIDs { return batch.CIDs{Packed: append([]byte(nil), who.Packed...)} }
		_, err := a.Write(context.Background(), WriteRequest{Build: func(b *batch.Builder) error {
			set := make([]batch.Column, attributes)
			for k := range set {
				set[k] = batch.Column{Name: fmt.Sprint("number ", k), Kinds: make([]value.Kind, n), Data: make([]int64, n)}
				for i := range n {
					set[k].Kinds[i], set[k].Data[i] = value.Number, random.Int64N(1<<(8*uint(k%3)+8))
				}
			}
			if err := b.ProfileColumns(0, batch.Profiles{CIDs: own(), Set: set}); err != nil {
				return err
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Write(context.Background(), WriteRequest{Build: func(b *batch.Builder) error {
			for k := range tags {
				remove := make([]bool, n)
				for i := range remove {
					remove[i] = random.IntN(3) == 0
				}
				if err := b.TagColumns(0, batch.Tags{Name: fmt.Sprint("tag ", k), CIDs: own(), Remove: remove}); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// diskUse returns what the files below a directory take on disk.
func diskUse(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestOverwrites holds that an app whose every value was overwritten again and again, and saved each time, takes at most three
// times the disk of one that was given the last values only: index, snapshots and log together.
func TestOverwrites(t *testing.T) {
	const cids, rounds, most = 50_000, 20, 3
	after := func(first uint64) (all, index int64) {
		dir := t.TempDir()
		home, err := OpenHome(dir, Options{SnapshotBytes: 4 << 20, LogSegmentBytes: 1 << 20, CheckpointBytes: 4 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer home.Close()
		a, err := home.App("")
		if err != nil {
			t.Fatal(err)
		}
		for round := first; round < rounds; round++ {
			overwrite(t, a, cids, round)
			v, err := a.View(context.Background(), ReadOptions{AtLeastPosition: a.wal.Last()})
			if err != nil {
				t.Fatal(err)
			}
			v.Close()
			if err := a.checkpoint(); err != nil {
				t.Fatal(err)
			}
			a.snapshotIfDue()
		}
		a.compactIfDue()
		return diskUse(t, dir), a.store.Bytes()
	}
	fresh, freshIndex := after(rounds - 1)
	overwritten, index := after(0)
	t.Logf("after %d rounds %d bytes, %d of them index; after one %d and %d", rounds, overwritten, index, fresh, freshIndex)
	if overwritten > most*fresh || index > most*freshIndex {
		t.Errorf("more than %d times what is live", most)
	}
}
