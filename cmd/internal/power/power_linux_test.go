package power

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/fulldisk/bulk"
	"whowhen.dev/whowhen/cmd/internal/rig"
)

// mountOptions are those of ext4 that decide what is on the device before anybody asks. The first is the default;
// noauto_da_alloc takes away what saves programs that rename a file they did not sync.
var mountOptions = []string{
	"", "data=writeback", "commit=1", "commit=30", "data=writeback,commit=1", "data=writeback,noauto_da_alloc",
	"nodelalloc,commit=1", "data=journal",
}

func anyOptions(random *rand.Rand) string { return mountOptions[random.IntN(len(mountOptions))] }

// serve returns the command with limits so small that it saves, evicts and drops old log all the time.
func serve(random *rand.Rand, program, dir string) *exec.Cmd {
	return rig.Serve(program, dir, "--cache-bytes=1000000", "--log-segment-bytes=50000",
		fmt.Sprintf("--checkpoint-bytes=%d", 20_000+random.IntN(200_000)), fmt.Sprintf("--snapshot-bytes=%d", 50_000+random.IntN(500_000)))
}

// crowd is everybody who writes to one disk.
type crowd struct {
	small []*rig.Writer
	large *bulk.Writer // whose batches are many blocks of the device, so that one can be there in part
}

func newCrowd() *crowd {
	return &crowd{rig.Writers(4), &bulk.Writer{Name: "bulk", Events: 400}}
}

// load has everybody write, or all but the large one, and somebody watch, until the server is gone; wait returns when
// they have ended.
func (c *crowd) load(ctx context.Context, t testing.TB, s *rig.Server, large bool) (wait func()) {
	var running sync.WaitGroup
	for _, w := range c.small {
		running.Go(func() {
			if err := w.Run(ctx, s); !rig.Gone(err) {
				t.Error(err)
			}
		})
	}
	running.Go(func() {
		for large {
			if err := c.large.Write(ctx, s); err != nil {
				if !rig.Gone(err) {
					t.Error(err)
				}
				return
			}
		}
	})
	running.Go(func() {
		if err := rig.Watch(ctx, s, c.small); err != nil {
			t.Error(err)
		}
	})
	return running.Wait
}

// check returns what each finds wrong, of those who do.
func (c *crowd) check(ctx context.Context, s *rig.Server) (wrong []error) {
	for _, w := range c.small {
		if err := w.Check(ctx, s); err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := c.large.Check(ctx, s); err != nil {
		wrong = append(wrong, err)
	}
	return wrong
}

func (c *crowd) acked() int {
	batches := c.large.Acked
	for _, w := range c.small {
		batches += w.Acked
	}
	return batches
}

func TestPowerLossLosesNothing(t *testing.T) {
	cycles := 2
	if n, set := rig.Number(t, "WHOWHEN_POWER_CYCLES"); set {
		cycles = int(n)
	} else if testing.Short() {
		t.Skip("starts the program several times")
	}
	ctx, random := context.Background(), rig.Random(t, "WHOWHEN_POWER_SEED")
	m, program := newMachine(t), rig.Build(t)
	c, options := newCrowd(), mountOptions[0]
	m.renew(options)
	total, disks, starting, torn, slowest := 0, 1, 0, 0, time.Duration(0)
	start := func() *rig.Server {
		t.Helper()
		s := rig.MustStart(t, m.dir(), serve(random, program, m.dir()))
		slowest = max(slowest, s.Took)
		return s
	}
	cut := func(server *os.Process, exited <-chan struct{}) {
		t.Helper()
		options = anyOptions(random)
		m.cut(server, exited, options)
	}
	// cutStart cuts the power while the server starts, which recovers or makes its directory then.
	cutStart := func() {
		t.Helper()
		server, exited, err := run(serve(random, program, m.dir()))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		cut(server, exited)
		starting++
	}
	for cycle := range cycles {
		if random.IntN(4) == 0 && cycle > 0 {
			total, disks, c, options = total+c.acked(), disks+1, newCrowd(), anyOptions(random)
			m.renew(options)
			if random.IntN(2) == 0 {
				cutStart()
			}
		}
		s := start()
		wait := c.load(ctx, t, s, random.IntN(2) == 0)
		time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
		before := options
		cut(s.Process.Process, s.Exited)
		wait()
		if random.IntN(4) == 0 {
			cutStart()
		}
		recovered := start()
		if strings.Contains(recovered.Stderr(), "was cut off") {
			torn++
		}
		for _, err := range c.check(ctx, recovered) {
			t.Error(err)
		}
		recovered.Kill()
		if err := rig.Sound(ctx, m.dir()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("in cycle %d, mounted with %q and then %q\nbefore:\n%s\nafter:\n%s", cycle, before, options, s.Stderr(), recovered.Stderr())
		}
	}
	if slowest > 5*time.Second {
		t.Errorf("one start took %v", slowest)
	}
	t.Logf("%d cycles on %d disks, %d cuts more during a start, %d logs with an unfinished end, %d batches acknowledged, none lost, none twice; the slowest start took %v",
		cycles, disks, starting, torn, total+c.acked(), slowest.Round(time.Millisecond))
}

// TestLostSyncsAreSeen runs a server whose syncs do nothing. If its acknowledged batches survived, the test above
// would prove nothing.
func TestLostSyncsAreSeen(t *testing.T) {
	if _, set := rig.Number(t, "WHOWHEN_POWER_CYCLES"); !set {
		t.Skip("takes half a minute under strace; make torture runs it")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not here, which makes the syncs do nothing")
	}
	ctx := context.Background()
	m, program := newMachine(t), rig.Build(t)
	m.renew("commit=30")
	idle := rig.Serve(program, m.dir())
	// With -D the traced program, not strace, is the process that is started here.
	idle.Args = append([]string{strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync,fdatasync,msync,sync_file_range:retval=0"}, idle.Args...)
	idle.Path = strace
	s, err := rig.Start(t, m.dir(), idle)
	if err != nil {
		t.Skipf("strace cannot run the program: %v", err)
	}
	if err := m.mounted.Sync(); err != nil { // so that the server starts again, and batches are what is lost
		t.Fatal(err)
	}
	c := newCrowd()
	wait := c.load(ctx, t, s, true)
	time.Sleep(300 * time.Millisecond)
	m.cut(s.Process.Process, s.Exited, "")
	wait()
	s = rig.MustStart(t, m.dir(), rig.Serve(program, m.dir()))
	lost := c.check(ctx, s)
	if len(lost) == 0 {
		t.Fatalf("%d batches were acknowledged without a sync, the power was cut, and all of them are there: it was not cut", c.acked())
	}
	t.Logf("as it must be without syncs: %v", lost[0])
}
