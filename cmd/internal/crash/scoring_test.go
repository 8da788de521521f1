package crash

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// TestKilledWhileScoring kills a server that scores everybody with one version of a model and then with the other. What expressions see is at any
// moment what one of the two says of everybody, and in the end it is the active one.
func TestKilledWhileScoring(t *testing.T) {
	cycles := 6
	if n, set := rig.Number(t, "WHOWHEN_CRASH_CYCLES"); set {
		cycles = int(n)
	} else if testing.Short() {
		t.Skip("starts the program several times")
	}
	ctx, random := context.Background(), rig.Random(t, "WHOWHEN_CRASH_SEED")
	program, dir := rig.Build(t), filepath.Join(t.TempDir(), "data")
	run := func(args ...string) {
		t.Helper()
		out, err := exec.Command(program, append(args, "--data", dir)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	run("demo", "--cids", "2000")
	versions := []string{"1", "2"}
	run("train", "churn", "--event", "open", "--horizon", "7d", "--max-columns", "40")
	run("train", "churn", "--event", "open", "--horizon", "14d", "--max-columns", "40")
	thresholds := []float64{0.05, 0.2, 0.5}
	wanted := map[string][]uint64{} // counts at the thresholds, by version
	for _, v := range versions {
		file := filepath.Join(t.TempDir(), "scores.csv")
		run("score", "--model", "churn", "--version", v, "--out", file)
		wanted[v] = countsAt(t, file, thresholds)
	}
	seen := func(s *rig.Server, at int) (uint64, error) {
		answer, err := s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: fmt.Sprintf(`score("churn") >= %g`, thresholds[at])}))
		if err != nil {
			return 0, err
		}
		return answer.Msg.Count, nil
	}
	active := ""
	for cycle := range cycles {
		s := rig.MustStart(t, dir, rig.Serve(program, dir, "--checkpoint-bytes=100000", "--snapshot-bytes=300000", "--log-segment-bytes=100000"))
		if active != "" {
			for at := range thresholds { // whole, whichever it is
				if n, err := seen(s, at); err == nil && n != wanted["1"][at] && n != wanted["2"][at] {
					t.Fatalf("cycle %d: %d at %g or more, which neither version says: %v", cycle, n, thresholds[at], wanted)
				}
			}
		}
		active = versions[cycle%2]
		if _, err := s.Models.Activate(ctx, connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: active, Force: true, By: "test"})); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Duration(random.IntN(150)) * time.Millisecond)
		for done := false; !done && time.Now().Before(deadline); {
			at := random.IntN(len(thresholds))
			n, err := seen(s, at)
			if err == nil && n != wanted["1"][at] && n != wanted["2"][at] {
				t.Fatalf("cycle %d: a mix is seen: %d at %g or more, %v", cycle, n, thresholds[at], wanted)
			}
		}
		s.Kill()
		if err := rig.Sound(ctx, dir); err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
	}
	s := rig.MustStart(t, dir, rig.Serve(program, dir))
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		right := true
		for at := range thresholds {
			n, err := seen(s, at)
			right = right && err == nil && n == wanted[active][at]
		}
		if right {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("version %s is active, and not what is seen\n%s", active, s.Stderr())
		}
	}
	t.Logf("%d kills while scoring; versions say %v", cycles, wanted)
}

// countsAt returns how many probabilities of a file are at each of the thresholds or above.
func countsAt(t *testing.T, file string, thresholds []float64) []uint64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	counts := make([]uint64, len(thresholds))
	for _, row := range rows[1:] {
		p, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		for at, threshold := range thresholds {
			if p >= threshold {
				counts[at]++
			}
		}
	}
	return counts
}
