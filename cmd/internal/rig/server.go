package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// Build builds the program under test and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whowhen")
	build := exec.Command("go", "build", "-o", path, "whowhen.dev/whowhen/cmd/whowhen")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// Server is one run of the program.
type Server struct {
	Address  string // for instance http://127.0.0.1:40123
	Process  *exec.Cmd
	Exited   <-chan struct{} // closed once the process has ended
	Took     time.Duration   // from the start to the first answer
	Ingest   whowhenv1connect.IngestServiceClient
	Audience whowhenv1connect.AudienceServiceClient
	Models   whowhenv1connect.ModelServiceClient
	Admin    whowhenv1connect.AdminServiceClient

	stderr output
}

// Serve returns the command that serves dir, on a free port.
func Serve(program, dir string, flags ...string) *exec.Cmd {
	return exec.Command(program, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, flags...)...)
}

// Start runs a command that serves dir, waits until it answers Status, and has it killed when the test ends. The
// error says that the process ended, or did not answer within 30 s, and has its stderr.
func Start(t testing.TB, dir string, serve *exec.Cmd) (*Server, error) {
	t.Helper()
	exited := make(chan struct{})
	s := &Server{Process: serve, Exited: exited}
	serve.Stderr = &s.stderr
	file := filepath.Join(dir, "server.json")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	begun := time.Now()
	if err := serve.Start(); err != nil {
		return nil, err
	}
	go func() {
		serve.Wait() // a killed process has no other end
		close(exited)
	}()
	t.Cleanup(func() {
		serve.Process.Kill()
		<-exited
	})
	const patience = 30 * time.Second
	for {
		select {
		case <-exited:
			return nil, fmt.Errorf("the server ended: %v\n%s", serve.ProcessState, s.Stderr())
		case <-time.After(5 * time.Millisecond):
		}
		if s.answers(file) {
			s.Took = time.Since(begun)
			return s, nil
		}
		if time.Since(begun) > patience {
			s.Kill()
			return nil, fmt.Errorf("the server did not answer within %v\n%s", patience, s.Stderr())
		}
	}
}

// MustStart is Start that fails the test.
func MustStart(t testing.TB, dir string, serve *exec.Cmd) *Server {
	t.Helper()
	s, err := Start(t, dir, serve)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) answers(file string) bool {
	if s.Address == "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		var where struct{ Address string }
		if json.Unmarshal(data, &where) != nil {
			return false
		}
		s.Address = where.Address
		client := &http.Client{Transport: &http.Transport{}}
		s.Ingest = whowhenv1connect.NewIngestServiceClient(client, where.Address)
		s.Audience = whowhenv1connect.NewAudienceServiceClient(client, where.Address)
		s.Models = whowhenv1connect.NewModelServiceClient(client, where.Address)
		s.Admin = whowhenv1connect.NewAdminServiceClient(client, where.Address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := s.Admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
	return err == nil
}

// Stderr returns what the process has written there so far.
func (s *Server) Stderr() string { return s.stderr.String() }

// Kill ends the process at once, without a chance to save anything, and returns when it is gone.
func (s *Server) Kill() {
	s.Process.Process.Kill() // it may have ended by itself
	<-s.Exited
}

// Stop asks the process to end, and returns how it did.
func (s *Server) Stop() error {
	if err := s.Process.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-s.Exited
	if !s.Process.ProcessState.Success() {
		return fmt.Errorf("the server ended with: %v\n%s", s.Process.ProcessState, s.Stderr())
	}
	return nil
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
