package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

type serveCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen at; default 127.0.0.1:8080. Whoever reaches it can read and write everything, so think before you widen it. Port 0 takes a free one."`

	CacheBytes      int64 `default:"1073741824" placeholder:"N" help:"Memory for each app's index beyond what is not saved yet. Default 1 GiB."`
	CheckpointBytes int64 `default:"67108864" placeholder:"N" help:"Save the index whenever this much of it is not. Default 64 MiB."`
	SnapshotBytes   int64 `default:"1073741824" placeholder:"N" help:"Make a snapshot, by which old log can go, whenever the log has grown by this much. Default 1 GiB."`
	LogSegmentBytes int64 `default:"67108864" placeholder:"N" help:"Size of the log's files, the unit in which old log goes. Default 64 MiB."`
}

func (serveCmd) Help() string {
	return `
Serves the apps of one directory until it is interrupted; then it finishes the calls in
progress, saves and ends. While it runs, other commands on the same directory talk to it.
With --json the log on stderr is JSON.

Examples:

  whowhen serve
  whowhen serve --data /var/lib/whowhen --listen 10.0.0.5:8080

  curl -H 'Content-Type: application/json' -d '{"expression":"everyone"}' \
    http://127.0.0.1:8080/whowhen.v1.AudienceService/Count
`
}

func (c *serveCmd) Run(ctx context.Context, m *Main) error {
	if err := m.onlyOnDirectory("serve"); err != nil {
		return err
	}
	for name, n := range map[string]int64{"cache": c.CacheBytes, "checkpoint": c.CheckpointBytes, "snapshot": c.SnapshotBytes, "log-segment": c.LogSegmentBytes} {
		if n <= 0 {
			return usageError("--%s-bytes=%d: give a number above 0.", name, n)
		}
	}
	m.storage = segments.Options{
		Logger: m.serverLogger(), CacheBytes: c.CacheBytes, CheckpointBytes: c.CheckpointBytes,
		SnapshotBytes: c.SnapshotBytes, LogSegmentBytes: c.LogSegmentBytes,
	}
	return m.serve(ctx, c.Listen, nil)
}

// serve serves the directory until ctx ends. prepare, when not nil, is called with the API before
// it is served; what it returns, when not nil, is called with the server's address once it is.
func (m *Main) serve(ctx context.Context, address string, prepare func(*api) (func(url string) error, error)) error {
	home, err := m.openHome(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return listenFailure(address, err)
	}
	defer listener.Close() // a second close, by then, unless something fails before
	logger := m.serverLogger()
	server := serve.New(home, serve.Options{Version: m.Version, Clock: m.Clock.Now, Logger: logger})
	if err := openApps(home); err != nil {
		return err
	}
	var ready func(string) error
	if prepare != nil {
		if ready, err = prepare(newAPI(serve.InProcess(server.Handler()), inProcessAddress)); err != nil {
			return err
		}
	}

	url := dialAddress(listener.Addr())
	if err := writeServerFile(m.flags.Data, serverFile{PID: os.Getpid(), Address: url}); err != nil {
		return fmt.Errorf("the server's address cannot be written to the data directory: %w", err)
	}
	m.onClose(func() error { return removeFile(serverFilePath(m.flags.Data)) })

	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- server.Serve(ctx, listener) }()
	if ready != nil {
		if err := ready(url); err != nil {
			stop()
			return errors.Join(err, <-ended)
		}
	}
	logger.Info("serving", "address", url, "data", m.flags.Data, "version", m.Version)
	err = <-ended
	logger.Info("stopped")
	return err
}

// openApps opens every app, so that what is wrong with one is told now and not at the
// first call.
func openApps(home *segments.Home) error {
	names, err := home.Apps()
	if err != nil {
		return err
	}
	for _, name := range append(names, segments.DefaultApp) {
		if _, err := home.App(name); err != nil {
			return err
		}
	}
	return nil
}

func (m *Main) serverLogger() *slog.Logger {
	if m.flags.JSON {
		return slog.New(slog.NewJSONHandler(m.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(m.Stderr, nil))
}

func listenFailure(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return failure("%s is taken: another program listens there. Stop it, or take another port: --listen 127.0.0.1:8081.", address)
	case errors.Is(err, syscall.EACCES):
		return failure("no permission to listen at %s: take a port above 1023, such as --listen 127.0.0.1:8080.", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return failure("%s is not an address of this machine: take one that is, such as --listen 127.0.0.1:8080.", address)
	}
	return usageError("cannot listen: %v.", innermost(err))
}

// removeFile removes a file that may be gone.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
