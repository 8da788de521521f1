package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve"
)

// api is whowhen's API, wherever it is served.
type api struct {
	ingest   whowhenv1connect.IngestServiceClient
	audience whowhenv1connect.AudienceServiceClient
	models   whowhenv1connect.ModelServiceClient
	sendTime whowhenv1connect.SendTimeServiceClient
	admin    whowhenv1connect.AdminServiceClient
}

// newAPI returns the API at an address. Its calls wait for apps that are being opened.
func (m *Main) newAPI(client *http.Client, address string) *api {
	// CIDs hardly compress, and inflating them takes longer than reading them from a wire.
	plain := connect.WithAcceptCompression("gzip", nil, nil)
	waiting := &patient{m: m}
	patiently := connect.WithInterceptors(waiting)
	a := &api{
		ingest:   whowhenv1connect.NewIngestServiceClient(client, address, plain, patiently),
		audience: whowhenv1connect.NewAudienceServiceClient(client, address, plain, patiently),
		models:   whowhenv1connect.NewModelServiceClient(client, address, plain, patiently),
		sendTime: whowhenv1connect.NewSendTimeServiceClient(client, address, plain, patiently),
		admin:    whowhenv1connect.NewAdminServiceClient(client, address, plain, patiently),
	}
	waiting.waitBy(a)
	return a
}

// inProcessAddress stands for the host of calls that never leave the process.
const inProcessAddress = "http://in-process"

// access says what a command wants of a directory.
type access bool

const (
	toRead  access = false // the directory must be there
	toWrite access = true  // it is made when it is not
)

// open returns the API of the server the flags name, of the server that holds the directory
// they name, or of that directory, opened in this process until Close.
func (m *Main) open(ctx context.Context, want access) (*api, error) {
	if m.flags.Server != "" {
		address, err := serverAddress(m.flags.Server)
		if err != nil {
			return nil, err
		}
		return m.newAPI(wireClient(), address), nil
	}
	if want == toRead {
		if _, err := os.Stat(m.flags.Data); errors.Is(err, fs.ErrNotExist) {
			return nil, failure("there is no data in %s: load some with \"whowhen load\", make the sample with \"whowhen demo\", or name another place with --data or --server.", m.flags.Data)
		}
	}
	home, err := m.openHome(ctx)
	var inUse *inUseError
	switch {
	case errors.As(err, &inUse) && inUse.server != nil:
		return m.newAPI(wireClient(), inUse.server.Address), nil
	case err != nil:
		return nil, err
	}
	server := serve.New(home, serve.Options{Logger: m.quietLogger(), Version: m.Version, Clock: m.Clock.Now, Policies: m.policies()})
	return m.newAPI(serve.InProcess(server.Handler()), inProcessAddress), nil
}

// policies is the folder of policies and calendars, which need not be there.
func (m *Main) policies() fs.FS { return os.DirFS(filepath.Join(m.flags.Data, "policies")) }

// inUseError says that another process holds the directory.
type inUseError struct {
	dir    string
	server *serverFile // the server that holds it; nil for a process that does not serve
}

func (e *inUseError) Error() string {
	if e.server != nil {
		return fmt.Sprintf("%s is in use by the server at %s (process %d): stop it first, or work with it through --server.", e.dir, e.server.Address, e.server.PID)
	}
	return fmt.Sprintf("%s is in use by another whowhen command: wait until that has ended, or run \"whowhen serve\", which lets many commands share it.", e.dir)
}

// patience is how long a command waits for another short one to let go of the directory.
const patience = 5 * time.Second

// openHome opens the directory until Close. It fails with an *inUseError when a server
// holds it, or another command for longer than patience.
func (m *Main) openHome(ctx context.Context) (*segments.Home, error) {
	o := m.storage
	if o.Clock = m.Clock.Now; o.Logger == nil {
		o.Logger = m.quietLogger()
	}
	if o.OpenWait == 0 {
		o.OpenWait = embeddedWait
	}
	if m.Executable != nil {
		o.TryIndex = m.tryIndex
	}
	for waited := time.Duration(0); ; {
		home, err := segments.OpenHome(m.flags.Data, o)
		var known *segments.Error
		if !errors.As(err, &known) || known.Reason != segments.DirectoryInUse {
			if err == nil {
				m.onClose(home.Close)
			}
			return home, err
		}
		if server := liveServer(ctx, m.flags.Data); server != nil {
			return nil, &inUseError{m.flags.Data, server}
		}
		if waited >= patience {
			return nil, &inUseError{m.flags.Data, nil}
		}
		const pause = 50 * time.Millisecond
		if err := m.Clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		waited += pause
	}
}

// quietLogger is for commands that are over soon: only what is wrong is worth a line.
func (m *Main) quietLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(m.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// wireClient speaks HTTP/1.1 and, without TLS too, HTTP/2.
func wireClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 0, // a large count may take its time; the caller can interrupt
		ForceAttemptHTTP2:     true,
	}}
}

// serverAddress checks what --server says. A plain host:port is taken as http.
func serverAddress(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usageError("--server takes an address such as http://127.0.0.1:8080, not %q.", text)
	}
	return strings.TrimSuffix(text, "/"), nil
}
