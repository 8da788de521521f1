package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// afterDrain is how long calls that were told to end may take to say so.
const afterDrain = 2 * time.Second

// Serve answers HTTP/1.1 and HTTP/2 without TLS on the listener until ctx is done. Then
// it takes no new calls and lets those in progress go on for DrainTimeout; the ones left then,
// mostly streams, are answered UNAVAILABLE. It closes the listener, and returns nil after a
// stop that ctx asked for. Call it once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	calls, endCalls := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endCalls(errShuttingDown)
	server := &http.Server{
		Handler:        s.Handler(),
		Protocols:      new(http.Protocols),
		ConnState:      newConns(s.limits.Conns, s.rooms.cutStalled).changed,
		MaxHeaderBytes: s.limits.HeaderBytes,
		// What a connection may have waiting in it, for which nobody has asked for room.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: s.limits.StreamsPerConn, MaxReadFrameSize: 16 << 10,
			MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 256 << 10,
			WriteByteTimeout: s.limits.SendTimeout,
		},
		ReadHeaderTimeout: s.limits.HeaderTimeout,
		IdleTimeout:       s.limits.IdleTimeout,
		BaseContext:       func(net.Listener) context.Context { return calls },
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug), // mostly callers who went away
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	tell := time.AfterFunc(s.limits.DrainTimeout, func() { endCalls(errShuttingDown) })
	defer tell.Stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.DrainTimeout+afterDrain)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		s.logger.WarnContext(patience, "calls were cut off while shutting down", "error", err.Error())
		if err := server.Close(); err != nil {
			return err
		}
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
