package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// buildProgram builds the program under test and returns its path.
func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whowhen")
	build := exec.Command("go", "build", "-o", path, "whowhen.dev/whowhen/cmd/whowhen")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// server is one run of the program.
type server struct {
	process  *exec.Cmd
	stderr   bytes.Buffer // to be read once exited is closed
	exited   chan struct{}
	ingest   whowhenv1connect.IngestServiceClient
	audience whowhenv1connect.AudienceServiceClient
	admin    whowhenv1connect.AdminServiceClient
}

// start runs the program on a directory, with limits so small that it saves, evicts, and drops old log all
// the time, and waits until it answers.
func start(t *testing.T, program, dir string, checkpointBytes, snapshotBytes int) *server {
	t.Helper()
	s := &server{exited: make(chan struct{})}
	s.process = exec.Command(program, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--cache-bytes=1000000", "--log-segment-bytes=50000",
		fmt.Sprintf("--checkpoint-bytes=%d", checkpointBytes), fmt.Sprintf("--snapshot-bytes=%d", snapshotBytes))
	s.process.Stderr = &s.stderr
	file := filepath.Join(dir, "server.json")
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.process.Wait() // a killed process has no other end
		close(s.exited)
	}()
	t.Cleanup(func() { s.process.Process.Kill() })
	const patience = 30 * time.Second
	for deadline := begun.Add(patience); ; time.Sleep(5 * time.Millisecond) {
		select {
		case <-s.exited:
			t.Fatalf("the server ended: %v\n%s", s.process.ProcessState, s.stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			s.kill(t)
			t.Fatalf("the server did not answer within %v\n%s", patience, s.stderr.String())
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var where struct{ Address string }
		if err := json.Unmarshal(data, &where); err != nil {
			continue
		}
		client := &http.Client{Transport: &http.Transport{}}
		s.ingest = whowhenv1connect.NewIngestServiceClient(client, where.Address)
		s.audience = whowhenv1connect.NewAudienceServiceClient(client, where.Address)
		s.admin = whowhenv1connect.NewAdminServiceClient(client, where.Address)
		if _, err := s.admin.Status(context.Background(), connect.NewRequest(&whowhenv1.StatusRequest{})); err == nil {
			break
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the server took %v to answer", took)
	}
	return s
}

// kill ends the server as a power switch would end its process.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
}
