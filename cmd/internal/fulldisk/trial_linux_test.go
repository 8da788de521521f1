package fulldisk

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// trial is a server on a small disk, and those who use both.
type trial struct {
	*testing.T
	ctx     context.Context
	program string
	dir     string
	weight  *ballast
	crowd   *crowd

	server       *rig.Server // nil while there is none
	stopReading  func() error
	slowestStart time.Duration
	notStarted   int // how often, while the disk was full
	ended        int // how often, as another program took the last bytes
	readOnly     int // the same
}

func (r *trial) command() *exec.Cmd {
	return rig.Serve(r.program, r.dir, "--cache-bytes=1000000", "--log-segment-bytes=500000", "--checkpoint-bytes=500000", "--snapshot-bytes=2000000")
}

// start starts the server, which must work, with all that was acknowledged.
func (r *trial) start() {
	r.Helper()
	r.use(rig.MustStart(r, r.dir, r.command()))
	r.try(r.crowd.check(r.ctx, r.server))
}

func (r *trial) use(s *rig.Server) {
	r.server, r.slowestStart = s, max(r.slowestStart, s.Took)
	r.stopReading = r.crowd.read(r.ctx, s)
}

// leave ends the reading, in which everything must have been answered, and returns the server, which is not there
// any more for anybody else.
func (r *trial) leave() *rig.Server {
	r.Helper()
	r.try(r.stopReading())
	s := r.server
	r.server = nil
	return s
}

// robbed judges what has become of a server from which another program took the last bytes of the disk, given what
// its users met. It may have ended, as it writes to files through memory maps, or take no writes until it is started
// again. It is gone afterwards if so.
func (r *trial) robbed(met error) {
	r.Helper()
	s := r.server
	met = errors.Join(met, r.stopReading())
	if met != nil {
		select {
		case <-s.Exited:
		case <-time.After(time.Second):
		}
	}
	select {
	case <-s.Exited:
		r.server = nil
		log := quiet(s.Stderr())
		if !strings.Contains(log, "fatal error: fault") {
			r.Fatalf("the server ended, and not for a page that could not be written: %v\n%s", s.Process.ProcessState, log)
		}
		r.ended++
		r.Logf("the server ended, and has to be started again: %s", where(log))
		return
	default:
	}
	status, err := s.Admin.Status(r.ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
	r.try(err)
	if why := status.Msg.GetWhyReadOnly(); !status.Msg.GetWritable() && strings.Contains(why, "no space left on device") {
		r.readOnly++
		r.Logf("the server has to be started again: %s", why)
		r.server = nil
		s.Kill()
		return
	}
	r.try(met)
	r.stopReading = r.crowd.read(r.ctx, s)
}

func (r *trial) try(err error) {
	r.Helper()
	if err == nil {
		return
	}
	if r.server != nil {
		r.Fatalf("%v\n%s", err, quiet(r.server.Stderr()))
	}
	r.Fatal(err)
}

// quiet returns a server's log without the many lines about refused writes.
func quiet(log string) string {
	var told strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "reason=DISK_FULL") {
			told.WriteString(line)
		}
	}
	return told.String()
}

func lastLine(log string) string {
	log = strings.TrimRight(log, "\n")
	return log[strings.LastIndexByte(log, '\n')+1:]
}

// where returns the first function of a stack trace that is not the runtime's.
func where(trace string) string {
	for line := range strings.Lines(trace) {
		if strings.HasPrefix(line, "github.com/") || strings.HasPrefix(line, "whowhen.dev/") {
			return strings.TrimSpace(line)
		}
	}
	return trace
}
