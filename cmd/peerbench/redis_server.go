package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server that was started here: without a port, on a socket in a temporary directory that
// only this user may enter, and without anything on disk.
type redisServer struct {
	dir     string
	command *exec.Cmd
	output  *bytes.Buffer // read once ended is closed
	ended   chan struct{}
}

// startRedis starts a server. Stop it when done.
func startRedis(ctx context.Context) (*redisServer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	program, err := exec.LookPath("redis-server")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%w: there is no redis-server on the PATH; on Debian, apt-get install redis-server brings it", errNotInstalled)
	}
	if err != nil {
		return nil, err
	}
	s := &redisServer{output: &bytes.Buffer{}, ended: make(chan struct{})}
	if s.dir, err = os.MkdirTemp("", "peerbench-redis-"); err != nil {
		return nil, err
	}
	s.command = exec.Command(program, "--port", "0", "--unixsocket", s.socket(), "--unixsocketperm", "700",
		"--save", "", "--appendonly", "no", "--dir", s.dir, "--daemonize", "no")
	s.command.Stdout, s.command.Stderr = s.output, s.output
	s.command.SysProcAttr = childAttributes()
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	go func() {
		// How it ends says nothing: it is killed.
		_ = s.command.Wait()
		close(s.ended)
	}()
	return s, nil
}

func (s *redisServer) socket() string { return filepath.Join(s.dir, "socket") }

func (s *redisServer) client() *redis.Client {
	const patience = 2 * time.Minute // for a single answer
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), PoolSize: 1, MaxRetries: -1, ReadTimeout: patience, WriteTimeout: patience, DisableIdentity: true})
}

// await waits until the server answers.
func (s *redisServer) await(ctx context.Context, client *redis.Client) error {
	const patience, pause = 10 * time.Second, 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		err := client.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("redis-server ended as it was started: %s", bytes.TrimSpace(s.output.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer on %s: %w", s.socket(), err)
		case <-again.C:
		}
	}
}

// stop ends the server, waits until it is gone and removes its directory.
func (s *redisServer) stop() error {
	err := s.command.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.ended
	return errors.Join(err, os.RemoveAll(s.dir))
}
