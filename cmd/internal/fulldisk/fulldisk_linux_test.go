package fulldisk

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/power/disk"
	"whowhen.dev/whowhen/cmd/internal/rig"
)

const (
	diskBytes    = 288 << 20
	reserveBytes = 64 << 20 // what whowhen leaves free
)

// What happens while the disk is full.
const (
	hold         = iota // nothing else
	lastByte            // another program takes what is left
	kill                // the server is killed and started again
	killLastByte        // both
	stop                // the server is asked to end, and started again
	burst               // another program takes all of it at once, before the server has seen that it fills up
)

// happenings names them for the test's log.
var happenings = [...]string{
	hold: "nothing else", lastByte: "full to the last byte", kill: "killed",
	killLastByte: "full to the last byte and killed", stop: "stopped", burst: "taken at once",
}

func TestFullDisk(t *testing.T) {
	rounds := 1
	if n, set := rig.Number(t, "WHOWHEN_FULLDISK_ROUNDS"); set {
		rounds = int(n)
	} else if testing.Short() {
		t.Skip("starts the program several times")
	}
	random, program := rig.Random(t, "WHOWHEN_FULLDISK_SEED"), rig.Build(t)
	t.Run("tmpfs", func(t *testing.T) {
		fillAgainAndAgain(t, random, program, disk.Tmpfs(t, diskBytes), rounds)
	})
	t.Run("ext4", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "disk.img")
		disk.Format(t, file, diskBytes)
		fillAgainAndAgain(t, random, program, disk.Ext4(t, file, ""), rounds)
	})
}

func fillAgainAndAgain(t *testing.T, random *rand.Rand, program string, d *disk.Mounted, rounds int) {
	r := &trial{T: t, ctx: context.Background(), program: program, dir: d.Path("data"), weight: newBallast(t, d)}
	r.crowd = newCrowd(r.dir)
	order := random.Perm(len(happenings))
	for round := range rounds {
		if r.server == nil {
			r.start()
		}
		what := order[round%len(order)]
		begun := time.Now()
		if what == burst {
			r.burst(time.Duration(random.IntN(300)) * time.Millisecond)
		} else {
			r.try(r.weight.leave(reserveBytes + 1<<20 + random.Int64N(8<<20)))
			r.try(r.crowd.fill(r.ctx, r.server))
			r.whileFull(what)
		}
		t.Logf("round %d: %s, %v, %d batches are acknowledged", round, happenings[what], time.Since(begun).Round(time.Millisecond), r.crowd.acked())
		r.try(r.weight.drop())
		if r.server == nil {
			r.start()
		}
		r.try(r.crowd.resume(r.ctx, r.server))
		r.try(r.crowd.press(r.ctx, r.server, 100*time.Millisecond))
		r.try(r.crowd.check(r.ctx, r.server))
		free, err := d.Free()
		r.try(err)
		if round == rounds-1 || free < diskBytes*2/3 { // what is kept would soon fill the disk without the ballast
			r.try(r.leave().Stop())
			r.try(rig.Sound(r.ctx, r.dir))
			t.Logf("%d batches acknowledged, none lost, none twice, %d questions answered; the slowest resume took %v, answer %v, start %v; %d times it did not start on a full disk, %d times it ended and %d times it became read-only when the last bytes were taken",
				r.crowd.acked(), r.crowd.reads, r.crowd.slowestResume.Round(time.Millisecond), r.crowd.slowestRead.Round(time.Millisecond), r.slowestStart.Round(time.Millisecond), r.notStarted, r.ended, r.readOnly)
			r.try(os.RemoveAll(r.dir))
			r.crowd = newCrowd(r.dir)
		}
	}
}

// whileFull does what a round is about. The server may be gone afterwards.
func (r *trial) whileFull(what int) {
	r.Helper()
	if what == lastByte || what == killLastByte {
		r.try(r.weight.fill())
		r.robbed(r.crowd.press(r.ctx, r.server, 500*time.Millisecond))
	}
	switch {
	case r.server == nil || what == lastByte:
		return
	case what == kill || what == killLastByte:
		r.leave().Kill()
	case what == stop:
		s := r.leave()
		if err := s.Stop(); err != nil && !diskFull.MatchString(lastLine(s.Stderr())) {
			r.Fatalf("it ended with %v, and its last line does not say that the disk is full:\n%s", s.Process.ProcessState, quiet(s.Stderr()))
		}
	default:
		r.try(r.crowd.press(r.ctx, r.server, 500*time.Millisecond))
		return
	}
	s, err := rig.Start(r, r.dir, r.command())
	switch {
	case err == nil:
		r.use(s)
		r.try(r.crowd.check(r.ctx, s))
		r.try(r.crowd.press(r.ctx, s, 500*time.Millisecond))
	case diskFull.MatchString(err.Error()):
		r.notStarted++
	default:
		r.Fatal(err)
	}
}

// burst takes the whole disk from under a server that writes, against which the reserve does not help.
func (r *trial) burst(after time.Duration) {
	r.Helper()
	taken := make(chan error, 1)
	go func() {
		time.Sleep(after)
		taken <- r.weight.fill()
	}()
	met := r.crowd.fill(r.ctx, r.server)
	r.try(<-taken)
	r.robbed(errors.Join(met, r.crowd.press(r.ctx, r.server, 500*time.Millisecond)))
}
