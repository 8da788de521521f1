package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
)

// benchFile is a file in a directory of data made for bench that says what is in it.
const benchFile = "bench.json"

// benchContent is what benchFile holds.
type benchContent struct {
	CIDs    int    `json:"cids"`
	Seed    uint64 `json:"seed"`
	LastDay int32  `json:"last_day"` // since 1970-01-01, UTC
}

// seed makes the data, unless it is there, and opens it.
func (r *benchRun) seed(ctx context.Context) error {
	dir := r.command.Dir
	content := benchContent{r.command.CIDs, r.command.Seed, int32(r.main.Clock.Now().Unix() / int64(24*time.Hour/time.Second))}
	found := false
	if dir == "" {
		var err error
		if dir, err = r.tempDir(); err != nil {
			return err
		}
	} else {
		var err error
		if found, err = keptContent(dir, &content); err != nil {
			return err
		}
	}
	r.data = bench.Dataset{CIDs: content.CIDs, Seed: content.Seed, LastDay: content.LastDay}
	if !found {
		if err := r.make(ctx, dir, content); err != nil {
			return err
		}
	}
	return r.open(dir)
}

// keptContent reads what a directory holds, if it holds anything, and says whether it does. That must be what is wanted, but may
// be of an earlier day.
func keptContent(dir string, wanted *benchContent) (found bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, benchFile))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return false, failure("%s holds other things: name an empty or a new directory with --dir.", dir)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var kept benchContent
	if err := json.Unmarshal(text, &kept); err != nil {
		return false, failure("%s cannot be read: %v. Remove the directory.", filepath.Join(dir, benchFile), err)
	}
	if kept.CIDs != wanted.CIDs || kept.Seed != wanted.Seed {
		return false, failure("%s holds %s of seed %d: ask for these, or name another directory with --dir.", dir, plural(uint64(kept.CIDs), "CID", "CIDs"), kept.Seed)
	}
	*wanted = kept
	return true, nil
}

// make makes the data. A directory in which that was not finished does not say what it holds.
func (r *benchRun) make(ctx context.Context, dir string, content benchContent) error {
	home, err := segments.OpenHome(dir, r.storage())
	if err != nil {
		return err
	}
	started := r.main.Clock.Now()
	bar := r.main.newProgress("parts")
	err = bench.Seed(ctx, home, segments.DefaultApp, r.data, func(done, all int) {
		bar.count("Making the data", uint64(done), uint64(all))
	})
	bar.end()
	if err = errors.Join(err, home.Close()); err != nil {
		if r.command.Dir != "" {
			err = errors.Join(err, removeAll(filepath.Join(dir, "apps")), removeAll(filepath.Join(dir, "LOCK")))
		}
		return err
	}
	r.main.say("Made the data of %s in %.1f s.", plural(uint64(content.CIDs), "CID", "CIDs"), r.main.Clock.Now().Sub(started).Seconds())
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, benchFile), append(text, '\n'), 0o644)
}

// storage returns the options of the directories. The cache has room for all that the queries read.
func (r *benchRun) storage() segments.Options {
	const leastBytes, bytesPerCID = 1 << 30, 64
	return segments.Options{Clock: r.data.Clock, Logger: r.main.quietLogger(), CacheBytes: max(leastBytes, bytesPerCID*int64(r.data.CIDs))}
}

func (r *benchRun) open(dir string) error {
	r.notice.show("opening the data")
	engine, err := bench.OpenEngine(r.data, dir, r.storage())
	if err != nil {
		return err
	}
	r.engine = engine
	status, err := engine.App().Status()
	if err != nil {
		return err
	}
	if status.CIDs != uint64(r.data.CIDs) {
		return failure("%s holds %s, not %s: it was made by another version of whowhen, or is damaged. Remove it.", dir, plural(status.CIDs, "CID", "CIDs"), grouped(uint64(r.data.CIDs)))
	}
	return nil
}

// writable goes over to a copy of the data, if the data is kept.
func (r *benchRun) writable(ctx context.Context) error {
	if r.command.Dir == "" {
		return nil
	}
	if err := r.engine.Close(); err != nil {
		return err
	}
	dir, err := r.tempDir()
	if err != nil {
		return err
	}
	r.notice.show("copying the data, so that what is kept stays as it is")
	if err := copyDir(ctx, dir, r.command.Dir); err != nil {
		return fmt.Errorf("copying %s: %w", r.command.Dir, err)
	}
	return r.open(dir)
}

func (r *benchRun) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "whowhen-bench-")
	if err == nil {
		r.temp = append(r.temp, dir)
	}
	return dir, err
}

// copyDir copies the files below a directory into another one.
func copyDir(ctx context.Context, to, from string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, below), 0o755)
		}
		return copyFile(filepath.Join(to, below), name)
	})
}

func copyFile(to, from string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	return errors.Join(err, file.Close())
}

// removeAll removes a directory that may be gone.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return nil
}
