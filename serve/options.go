package serve

import (
	"cmp"
	"log/slog"
	"time"
)

// MaxContains bounds the CIDs of one Contains.
const MaxContains = 100_000

// Options configure a Server. The zero Options are good defaults.
type Options struct {
	// Version is told by Status and on the front page; "dev" when empty.
	Version string
	// Clock tells the time for logs; time.Now when nil.
	Clock func() time.Time
	// Logger takes what operators should know; nothing is logged when nil.
	Logger *slog.Logger
	Limits Limits
}

// Limits bound what one caller can cost. Zero values stand for the defaults.
type Limits struct {
	// MessageBytes bounds a request as sent and again once decompressed; 16 MiB.
	MessageBytes int64
	// WriteBytes is MessageBytes for Write; 64 MiB.
	WriteBytes int64
	// BodyTimeout bounds how long a request may take to arrive; 60 s.
	BodyTimeout time.Duration
	// SendTimeout bounds how long a caller may leave a part of an answer unread; 60 s. A
	// stream as a whole may take as long as it needs.
	SendTimeout time.Duration
	// HeaderTimeout bounds how long a request's header may take to arrive; 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout closes connections without requests; 2 min.
	IdleTimeout time.Duration
	// DrainTimeout is how long calls may go on once Serve is told to stop; 10 s. Then
	// those left are answered UNAVAILABLE.
	DrainTimeout time.Duration
	// StreamsPerConn bounds the calls in progress on one HTTP/2 connection; 250.
	StreamsPerConn int
}

func (o Options) withDefaults() Options {
	o.Version = cmp.Or(o.Version, "dev")
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l := &o.Limits
	l.MessageBytes = cmp.Or(l.MessageBytes, 16<<20)
	l.WriteBytes = cmp.Or(l.WriteBytes, 64<<20)
	l.BodyTimeout = cmp.Or(l.BodyTimeout, time.Minute)
	l.SendTimeout = cmp.Or(l.SendTimeout, time.Minute)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 10*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 2*time.Minute)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 10*time.Second)
	l.StreamsPerConn = cmp.Or(l.StreamsPerConn, 250)
	return o
}
