package log

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// appenderDirEnv makes the test binary an appender to the log it names.
const appenderDirEnv = "WHOWHEN_LOG_TEST_APPENDER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(appenderDirEnv); dir != "" {
		fmt.Fprintln(os.Stderr, "appender:", appendForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForever prints each acknowledged position, in time for a reader that
// outlives this process: a pipe keeps what was written to it.
func appendForever(dir string) error {
	l, _, err := Open(dir, Options{SegmentBytes: 20_000})
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		last, err := l.Append(payloadsFrom(l.Last()+1, n%50+1)...)
		if err != nil {
			return err
		}
		if _, err := fmt.Println(last); err != nil {
			return err
		}
	}
}

// A process is killed while it appends, again and again. Nothing it had
// acknowledged is ever missing.
func TestKilledWhileAppending(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "log")
	random := rand.New(rand.NewPCG(1, 2))
	cuts := 0
	for cycle := range 20 {
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), appenderDirEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked, lines := uint64(0), bufio.NewScanner(out)
		for n, killAt := 0, random.IntN(60)+1; lines.Scan(); n++ {
			if acked, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
				t.Errorf("cycle %d: %v", cycle, err)
			}
			if n == killAt {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("cycle %d: the appender ended by itself: %v", cycle, err)
		}
		l, rec, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		if rec != (Recovery{}) {
			cuts++
		}
		if l.Last() < acked {
			t.Fatalf("cycle %d: acknowledged %d, found %d, recovery %+v", cycle, acked, l.Last(), rec)
		}
		mustEnd(t, l, 1, l.Last())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if cycle == 19 {
			t.Logf("%d records, %d bytes, %d unfinished writes cut off", l.Last(), l.Bytes(), cuts)
		}
	}
}
