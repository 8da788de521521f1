//go:build linux && (amd64 || arm64)

package faults

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

// scene is what the program finds, and what is asked of it.
type scene struct {
	name  string
	flags []string
	// kills is how often the program has been killed in the directory before.
	kills int
	// indexLost has the index removed after that.
	indexLost bool
	rounds    int           // in each every writer writes a batch
	idle      time.Duration // after them, for what the program does in its own time
	fullDisk  bool          // try the error of a full disk as well

	before  string // the directory to begin with; empty for none
	writers []rig.Writer
}

// Limits so small that in a few rounds everything happens that ever does.
func small() []string {
	return []string{"--cache-bytes=1000000", "--checkpoint-bytes=1", "--snapshot-bytes=1000", "--log-segment-bytes=600"}
}

func scenes() []scene {
	return []scene{
		{name: "new", flags: small(), rounds: 5, fullDisk: true},
		{name: "killed", flags: small(), kills: 6, rounds: 2, idle: 1200 * time.Millisecond},
		{name: "index-lost", flags: small(), kills: 1, indexLost: true, rounds: 2},
	}
}

// prepare makes the directory that the program is to find.
func (s *scene) prepare(ctx context.Context, t testing.TB, program string) error {
	writers := rig.Writers(2)
	if s.kills > 0 {
		s.before = t.TempDir()
	}
	for kill := range s.kills {
		flags := s.flags
		if kill >= 3 {
			// Enough log is to be left that the run makes a snapshot, removes an old one and drops log.
			flags = append(slices.Clone(flags), "--snapshot-bytes=1000000000")
		}
		server, err := rig.Start(t, s.before, rig.Serve(program, s.before, flags...))
		if err != nil {
			return err
		}
		const rounds = 5
		for n := range rounds * len(writers) {
			if err := writers[n%len(writers)].Write(ctx, server); err != nil {
				return err
			}
		}
		server.Kill()
	}
	for _, w := range writers {
		s.writers = append(s.writers, *w)
	}
	if s.indexLost {
		return os.RemoveAll(filepath.Join(s.before, "apps/default/index"))
	}
	return nil
}

// begin makes a copy of the prepared directory for one run, and the writers that go with it.
func (s *scene) begin(dir string) ([]*rig.Writer, error) {
	var writers []*rig.Writer
	for _, w := range s.writers {
		writers = append(writers, &w)
	}
	if s.before == "" {
		return writers, nil
	}
	return writers, filepath.WalkDir(s.before, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path[len(s.before):])
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		return copySparse(to, path)
	})
}

// copySparse copies a file and leaves its holes: the index has large files with little in them.
func copySparse(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(copyData(out, in), out.Close())
}

func copyData(out, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	for end := int64(0); ; {
		data, err := in.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // only a hole is left
			return out.Truncate(info.Size())
		}
		if err != nil {
			return err
		}
		if end, err = in.Seek(data, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, data), io.NewSectionReader(in, data, end-data)); err != nil {
			return err
		}
	}
}
