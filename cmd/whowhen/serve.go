package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

type serveCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen at; default 127.0.0.1:8080. Whoever reaches it can read and write everything, so think before you widen it. Port 0 takes a free one."`

	CacheBytes      *int64 `placeholder:"N" help:"Memory for what is on disk of the index, of all apps together. Default a third of the machine's memory, or of what the process may take of it."`
	CheckpointBytes int64  `default:"67108864" placeholder:"N" help:"Save the index whenever this much of it is not. Default 64 MiB."`
	SnapshotBytes   int64  `default:"1073741824" placeholder:"N" help:"Make a snapshot, by which old log can go, whenever the log has grown by this much. Default 1 GiB."`
	LogSegmentBytes int64  `default:"67108864" placeholder:"N" help:"Size of the log's files, the unit in which old log goes. Default 64 MiB."`

	ScoreEvery time.Duration `default:"24h" placeholder:"TIME" help:"Score everybody again with the active models when the scores are this old; 0 never does. Default 24h."`
}

func (serveCmd) Help() string {
	return `
Serves the apps of one directory until it is interrupted; then it finishes the calls in
progress, saves and ends. While it runs, other commands on the same directory talk to it.
It listens first and opens the apps then, which can take minutes after a crash: until they are
open /healthz answers 503 and says how far that is, and calls are answered UNAVAILABLE with the
reason STARTING. An app that cannot be opened ends it, with exit code 1.
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
	cacheBytes := int64(0) // segments chooses
	if c.CacheBytes != nil {
		if cacheBytes = *c.CacheBytes; cacheBytes <= 0 {
			return usageError("--cache-bytes=%d: give a number above 0.", cacheBytes)
		}
	}
	for name, n := range map[string]int64{"checkpoint": c.CheckpointBytes, "snapshot": c.SnapshotBytes, "log-segment": c.LogSegmentBytes} {
		if n <= 0 {
			return usageError("--%s-bytes=%d: give a number above 0.", name, n)
		}
	}
	m.storage = segments.Options{
		Logger: m.serverLogger(), CacheBytes: cacheBytes, CheckpointBytes: c.CheckpointBytes,
		SnapshotBytes: c.SnapshotBytes, LogSegmentBytes: c.LogSegmentBytes,
	}
	if c.ScoreEvery < 0 {
		return usageError("--score-every=%s: give a time above 0, or 0 for never.", c.ScoreEvery)
	}
	return m.serve(ctx, c.Listen, c.ScoreEvery, nil)
}

// serve serves the directory until ctx ends. It listens first, and opens the apps then. prepare may be nil.
func (m *Main) serve(ctx context.Context, address string, scoreEvery time.Duration, prepare preparation) error {
	// Before anything is made or changed: the directory may be that of the server that has the address.
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if server := liveServer(ctx, m.flags.Data); errors.Is(err, syscall.EADDRINUSE) && server != nil {
			return &inUseError{m.flags.Data, server}
		}
		return listenFailure(address, err)
	}
	defer listener.Close() // a second close, by then, unless something fails before
	m.storage.OpenWait = serverWait
	home, err := m.openHome(ctx)
	if err != nil {
		return err
	}
	server := serve.New(home, serve.Options{Version: m.Version, Clock: m.Clock.Now, Logger: m.serverLogger(), Policies: m.policies()})
	if err := server.CheckPolicies(); err != nil {
		return err
	}

	// When one of the two below fails, so does the other, and both have ended before home is closed.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	opened, err := home.OpenApps(ctx)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- server.Serve(ctx, listener)
	}()
	scoring := make(chan struct{})
	go func() {
		defer close(scoring)
		server.KeepScoring(ctx, scoreEvery)
	}()
	err = m.begin(ctx, opened, server, dialAddress(listener.Addr()), prepare)
	if err != nil {
		stop()
	}
	err = errors.Join(err, <-ended)
	<-scoring
	m.serverLogger().Info("stopped")
	return err
}

// serverWait is how long a call to a server waits for its app to be opened.
const serverWait = 5 * time.Second

// begin brings a server that listens to where it serves everything.
func (m *Main) begin(ctx context.Context, opened func() error, server *serve.Server, url string, prepare preparation) error {
	logger := m.serverLogger()
	if prepare == nil {
		if err := m.writeServerFile(url); err != nil {
			return err
		}
	}
	logger.Info("listening", "address", url, "data", m.flags.Data, "version", m.Version)
	// An app that cannot be opened ends the server: what is wrong is then told once, clearly, to
	// whoever started it, and is not found out by calls later.
	if err := opened(); ctx.Err() != nil {
		return nil // asked to stop, which an opening does without harm
	} else if err != nil {
		return err
	}
	if prepare != nil {
		ready, err := prepare(ctx, m.newAPI(serve.InProcess(server.Handler()), inProcessAddress))
		if err != nil {
			return err
		}
		if err := m.writeServerFile(url); err != nil {
			return err
		}
		if ready != nil {
			if err := ready(url); err != nil {
				return err
			}
		}
	}
	logger.Info("serving", "address", url, "data", m.flags.Data, "version", m.Version)
	return nil
}

// preparation is what is done with the API of a server before other commands find it. What it returns, when not
// nil, is called with the server's address once they do.
type preparation func(context.Context, *api) (func(url string) error, error)

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
