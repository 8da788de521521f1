package torture

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// sample is what the server took at a moment.
type sample struct {
	goroutines    uint64
	residentBytes int64 // 0 where the system does not tell
	runtimeBytes  uint64
	logBytes      uint64
	diskBytes     int64
}

func TestNothingGrows(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program for some seconds")
	}
	minutes, long := rig.Number(t, "WHOWHEN_TORTURE_MINUTES")
	duration, every := 4*time.Second, 500*time.Millisecond
	if long {
		duration, every = time.Duration(minutes)*time.Minute, 2*time.Second
	}
	random, program, dir := rig.Random(t, "WHOWHEN_TORTURE_SEED"), rig.Build(t), t.TempDir()
	// Limits by which it saves every few seconds, and makes snapshots, drops log and evicts every minute.
	s := rig.MustStart(t, dir, rig.Serve(program, dir, "--cache-bytes=16000000", "--checkpoint-bytes=4000000", "--snapshot-bytes=12000000", "--log-segment-bytes=4000000"))
	ctx, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	today, done, writer := time.Now(), &work{}, rig.Writers(1)[0]
	var running sync.WaitGroup
	run := func(what string, f func(random *rand.Rand) error) {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		running.Go(func() {
			if err := f(own); err != nil {
				t.Errorf("%s: %v", what, err)
				cancel()
			}
		})
	}
	for range 2 {
		run("ingest", func(random *rand.Rand) error { return ingest(ctx, s, random, today, done) })
		run("ask", func(random *rand.Rand) error { return ask(ctx, s, random, done) })
		run("stream", func(random *rand.Rand) error { return stream(ctx, s, random, done) })
	}
	run("numbered batches", func(*rand.Rand) error {
		for ctx.Err() == nil {
			if err := writer.Write(ctx, s); err != nil {
				return ended(ctx, err)
			}
			time.Sleep(time.Second)
		}
		return nil
	})
	var samples []sample
	for range time.Tick(every) {
		if ctx.Err() != nil {
			break
		}
		samples = append(samples, take(t, s, dir))
	}
	running.Wait()
	t.Logf("in %v: %d batches of %d records in all, %d questions, %d streams of which %d given up", duration,
		done.writes.Load(), done.records.Load(), done.queries.Load(), done.streams.Load(), done.given.Load())
	report(t, samples)
	if long {
		judge(t, samples)
	}
	if err := writer.Check(context.Background(), s); err != nil {
		t.Error(err)
	}
	s.Kill()
	if err := rig.Sound(context.Background(), dir); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.Log(s.Stderr())
	}
}

func take(t *testing.T, s *rig.Server, dir string) sample {
	t.Helper()
	answer, err := s.Admin.Status(context.Background(), connect.NewRequest(&whowhenv1.StatusRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	return sample{answer.Msg.GetGoroutines(), resident(s.Process.Process.Pid), answer.Msg.GetMemoryBytes(), answer.Msg.GetLogBytes(), disk(dir)}
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident returns the resident memory of a process, where Linux tells it.
func resident(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	match := residentLine.FindSubmatch(data)
	if match == nil {
		return 0
	}
	kB, err := strconv.ParseInt(string(match[1]), 10, 64)
	if err != nil {
		return 0
	}
	return kB << 10
}

// disk adds up the files below a directory. They come and go meanwhile.
func disk(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		// Files that Badger writes ahead into look twice as large as they are, and are of the same size always.
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".mem") || strings.HasSuffix(path, ".vlog") {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// quarters returns the greatest of a figure in each quarter of the run.
func quarters(samples []sample, figure func(sample) int64) (most [4]int64) {
	for q := range most {
		for _, s := range samples[len(samples)*q/4 : len(samples)*(q+1)/4] {
			most[q] = max(most[q], figure(s))
		}
	}
	return most
}

type figure struct {
	name string
	of   func(sample) int64
	unit int64
	// slack is by how much the last quarter may lie above the second before it counts as growth.
	slack int64
}

func figures() []figure {
	const mib = 1 << 20
	return []figure{
		{"goroutines", func(s sample) int64 { return int64(s.goroutines) }, 1, 30},
		{"resident MiB", func(s sample) int64 { return s.residentBytes }, mib, 48 * mib},
		{"of Go's runtime MiB", func(s sample) int64 { return int64(s.runtimeBytes) }, mib, 48 * mib},
		{"log MiB", func(s sample) int64 { return int64(s.logBytes) }, mib, 16 * mib},
		{"disk MiB", func(s sample) int64 { return s.diskBytes }, mib, 48 * mib},
	}
}

func report(t *testing.T, samples []sample) {
	t.Helper()
	t.Logf("%-22s %s", "greatest in quarter", "      1      2      3      4")
	for _, f := range figures() {
		line := fmt.Sprintf("%-22s", f.name)
		for _, most := range quarters(samples, f.of) {
			line += fmt.Sprintf("%7d", most/f.unit)
		}
		t.Log(line)
	}
}

// judge holds the last quarter against the second: the first fills caches and the world.
func judge(t *testing.T, samples []sample) {
	t.Helper()
	if len(samples) < 40 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, f := range figures() {
		most := quarters(samples, f.of)
		if most[3] > most[1]+max(f.slack, most[1]/10) {
			t.Errorf("%s grows: %v by quarter", f.name, scaled(most, f.unit))
		}
	}
}

func scaled(most [4]int64, unit int64) [4]int64 {
	for q := range most {
		most[q] /= unit
	}
	return most
}
