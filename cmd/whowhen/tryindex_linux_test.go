package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/cmd/internal/rig"
)

// TestKilledIndexIsTried kills the program, harms what Badger has to replay, and starts it again.
func TestKilledIndexIsTried(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the program several times")
	}
	random := rig.Random(t, "WHOWHEN_TRIAL_SEED")
	program, dir, writers := rig.Build(t), t.TempDir(), rig.Writers(1)
	w := writers[0]
	for _, harm := range []string{"nothing", "flipped", "zeroed", "halved", "emptied", "prolonged"} {
		s := rig.MustStart(t, dir, rig.Serve(program, dir, "--checkpoint-bytes=20000"))
		for range 60 {
			if err := w.Write(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		s.Kill()
		harmWriteAhead(t, random, filepath.Join(dir, "apps/default/index"), harm)
		s = rig.MustStart(t, dir, rig.Serve(program, dir))
		if err := w.Check(t.Context(), s); err != nil {
			t.Error(harm, err)
		}
		said := s.Stderr()
		if !strings.Contains(said, "tried in a process of its own") {
			t.Errorf("%s: the index was not tried:\n%s", harm, said)
		}
		t.Logf("%s: started in %v; rebuilt: %t", harm, s.Took.Round(time.Millisecond), strings.Contains(said, "built again"))
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := rig.Sound(t.Context(), dir); err != nil {
			t.Error(harm, err)
		}
	}
}

// harmWriteAhead does something to Badger's write-ahead files.
func harmWriteAhead(t *testing.T, random *rand.Rand, index, harm string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(index, "*.mem"))
	if err != nil || len(names) == 0 {
		t.Fatalf("the kill left nothing to replay: %v, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		used := len(strings.TrimRight(string(data), "\x00"))
		switch harm {
		case "flipped":
			data[random.IntN(used)] ^= 1 << random.IntN(8)
		case "zeroed":
			clear(data[used/2 : used])
		case "halved":
			data = data[:used/2]
		case "emptied":
			data = nil
		case "prolonged":
			data = append(data[:used], fmt.Sprintf("%04096d", 7)...)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChildEndsWithItsParent kills the program while it tries the index in a process of its own.
func TestChildEndsWithItsParent(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if code, _, stderr := runHere(t, "init", "--data", data); code != exitDone {
		t.Fatal(stderr)
	}
	if err := os.Remove(filepath.Join(data, "apps/default/clean-shutdown")); err != nil {
		t.Fatal(err)
	}
	script, note := filepath.Join(dir, "hangs"), filepath.Join(dir, "pid")
	text := fmt.Sprintf("#!/bin/sh\necho trying the index\necho $$ > %s.new\nmv %s.new %s\nexec sleep 300\n", note, note, note)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self, "count", "everyone", "--data", data)
	parent.Args[0] = "whowhen" // which this test binary is when it is called so
	parent.Env = append(os.Environ(), "WHOWHEN_TEST_EXECUTABLE="+script)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Process.Kill()
	var child int
	waitFor(t, "the child", func() bool {
		text, err := os.ReadFile(note)
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait() // a killed process has no other end
	waitFor(t, "the child's end", func() bool {
		// An orphan that has ended may wait to be noticed by whoever adopted it.
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		return err != nil || strings.Contains(string(state), ") Z ")
	})
}

func waitFor(t *testing.T, what string, come func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
