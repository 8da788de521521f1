package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// TestReadyModels holds that a model is made ready once, that one which is damaged or replaced meanwhile is not taken for the one before, and that only so
// many are kept.
func TestReadyModels(t *testing.T) {
	s, app, _ := modelServer(t)
	load := func(version string) any {
		t.Helper()
		m, q, err := s.ready.load(app, "churn", version)
		if err != nil || m == nil || q == nil || m.Artifact().Version == "" {
			t.Fatal(m, q, err)
		}
		return m
	}
	first := load("1")
	if load("1") != first || load("2") == first || load("") != load("3") {
		t.Error("it is another model each time, or the same for several versions")
	}
	path := modelDir(app).Path("churn", "1", registry.ArtifactFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)/2] ^= 1
	for _, data := range [][]byte{damaged, whole[:100], {}} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.ready.load(app, "churn", "1")
		if known := new(segments.Error); !errors.As(err, &known) || known.Reason != registry.ModelDamaged {
			t.Fatalf("damaged: %v", err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	load("1")
	other := trained(t, "1", 0.07)
	if err := os.WriteFile(path, other.Artifact, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, _, err := s.ready.load(app, "churn", "1"); err != nil || m == first || m.Artifact().Baselines["base_rate"][gainFigure].Value != 0.07 {
		t.Errorf("what replaced it is not what is told: %v", err)
	}
	if err := os.RemoveAll(modelDir(app).Path("churn", "1", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ready.load(app, "churn", "1"); err == nil {
		t.Error("a version that is gone is loaded")
	}

	second := load("2")
	for range mostReady {
		addVersion(t, app, func(v string) registry.Content { return trained(t, v, 0.05) })
	}
	for v := range mostReady - 1 {
		load(fmt.Sprint(v + 4))
	}
	if load("2") != second || len(s.ready.list) != mostReady {
		t.Errorf("of %d the second is another", len(s.ready.list))
	}
	for v := range mostReady {
		load(fmt.Sprint(v + 4))
	}
	if len(s.ready.list) != mostReady || load("2") == second {
		t.Errorf("%d are kept", len(s.ready.list))
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for v := range mostReady {
				if m, _, err := s.ready.load(app, "churn", fmt.Sprint((i+v)%mostReady+4)); err != nil || m.Artifact().Version != fmt.Sprint((i+v)%mostReady+4) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// TestReadyOnce holds that of one version one model is kept, also after it has been replaced.
func TestReadyOnce(t *testing.T) {
	s, app, _ := modelServer(t)
	path := modelDir(app).Path("churn", "1", registry.ArtifactFile)
	for _, gain := range []float64{0.05, 0.07, 0.05} {
		if err := os.WriteFile(path, trained(t, "1", gain).Artifact, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ready.load(app, "churn", "1"); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.ready.list) != 1 {
		t.Errorf("%d are kept", len(s.ready.list))
	}
	other, err := s.home.CreateApp("other", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := modelDir(other).Add("churn", func(string) (registry.Content, error) { return registry.Content{Artifact: data}, nil }); err != nil {
		t.Fatal(err)
	}
	mine, _, err := s.ready.load(app, "churn", "1")
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := s.ready.load(other, "churn", "1")
	if err != nil || mine == theirs {
		t.Error("two apps share a model, and what it remembers", err)
	}
}

// TestReadyTogether holds that many who ask at once for a model that is not ready get one, which has one memory.
func TestReadyTogether(t *testing.T) {
	s, app, _ := modelServer(t)
	var mu sync.Mutex
	kinds := map[*scoring.Model]bool{}
	var wait sync.WaitGroup
	start := make(chan struct{})
	for range 16 {
		wait.Go(func() {
			<-start
			m, _, err := s.ready.load(app, "churn", "1")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			kinds[m] = true
			mu.Unlock()
		})
	}
	close(start)
	wait.Wait()
	if len(kinds) != 1 {
		t.Errorf("%d models", len(kinds))
	}
}

// TestScoresTakeTurns holds that so many calls at most score some CIDs at a time, that who waits can give up, and that places are made again.
func TestScoresTakeTurns(t *testing.T) {
	s, _, client := modelServer(t)
	ask := func(ctx context.Context) error {
		_, err := client.Score(ctx, connect.NewRequest(&whowhenv1.ScoreRequest{Name: "churn", Cids: []string{fmt.Sprintf("%032x", 1)}}))
		return err
	}
	places := int64(2 * runtime.GOMAXPROCS(0))
	if !s.scores.some.TryAcquire(places) {
		t.Fatal("there are fewer places")
	}
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ask(brief); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("who waits too long: %v", err)
	}
	s.scores.some.Release(places)
	var wait sync.WaitGroup
	for range 4 * places {
		wait.Go(func() {
			if err := ask(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if !s.scores.some.TryAcquire(places) {
		t.Error("a place is still taken")
	}
}
