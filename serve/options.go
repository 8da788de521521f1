package serve

import (
	"cmp"
	"io/fs"
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
	// Policies is a folder of policies and calendars, as plan.OpenLibrary reads it; nil or missing for nothing but what is brought along.
	Policies fs.FS
	Limits   Limits
}

// Limits bound what callers can cost, one by one and all together. Zero values stand for the defaults, with
// which all requests in progress together keep the server within 256 MiB of what it takes without them.
type Limits struct {
	// MessageBytes bounds a request as sent and again once decompressed; 1 MiB.
	MessageBytes int64
	// WriteBytes is MessageBytes for Write and Contains; 12 MiB.
	WriteBytes int64
	// HeaderBytes bounds the header of a request; 16 KiB.
	HeaderBytes int

	// TextBytes bounds the bodies of all large requests, those above 64 KiB, that are arriving or waiting to be
	// decoded; 18 MiB, and not below 1.5 times WriteBytes. A request that finds no room is refused as SERVER_BUSY.
	TextBytes int64
	// DecodedBytes bounds what one request may take once decoded, as it is reckoned beforehand, and what all large
	// ones take at a time; 36 MiB. Requests wait in turn for room.
	DecodedBytes int64
	// SmallBytes is kept for small requests, so that large ones are not in their way: this much for headers
	// and bodies, and as much again for what is decoded; 8 MiB.
	SmallBytes int64
	// StreamBytes bounds what all Selects take at a time, 1.75 MiB each or more; 21 MiB, which is 12 of them.
	StreamBytes int64
	// Conns bounds the connections; 512. When one more comes, that which has been idle longest is closed.
	Conns int
	// StreamsPerConn bounds the calls in progress on one HTTP/2 connection; 100.
	StreamsPerConn int

	// BodyTimeout bounds how long a request may take to arrive; 60 s.
	BodyTimeout time.Duration
	// SendTimeout bounds how long a caller may leave a part of an answer unread; 60 s. A
	// stream as a whole may take as long as it needs.
	SendTimeout time.Duration
	// StallTimeout is how long a caller may be slow while others find no room; 5 s. Then those who send less than
	// 16 KiB a second, or have not taken what was written in this time, are cut off.
	StallTimeout time.Duration
	// RoomTimeout bounds how long a request waits for room to be decoded; 10 s.
	RoomTimeout time.Duration
	// HeaderTimeout bounds how long a request's header may take to arrive; 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout closes connections without requests; 2 min.
	IdleTimeout time.Duration
	// DrainTimeout is how long calls may go on once Serve is told to stop; 10 s. Then
	// those left are answered UNAVAILABLE.
	DrainTimeout time.Duration
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
	l.MessageBytes = cmp.Or(l.MessageBytes, 1<<20)
	l.WriteBytes = cmp.Or(l.WriteBytes, 12<<20)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, 16<<10)
	l.TextBytes = max(cmp.Or(l.TextBytes, 18<<20), l.WriteBytes+l.WriteBytes/2+smallTextBytes, l.MessageBytes+l.MessageBytes/2+smallTextBytes)
	l.DecodedBytes = cmp.Or(l.DecodedBytes, 36<<20)
	l.SmallBytes = cmp.Or(l.SmallBytes, 8<<20)
	l.StreamBytes = cmp.Or(l.StreamBytes, 21<<20)
	l.Conns = cmp.Or(l.Conns, 512)
	l.StreamsPerConn = cmp.Or(l.StreamsPerConn, 100)
	l.BodyTimeout = cmp.Or(l.BodyTimeout, time.Minute)
	l.SendTimeout = cmp.Or(l.SendTimeout, time.Minute)
	l.StallTimeout = cmp.Or(l.StallTimeout, 5*time.Second)
	l.RoomTimeout = cmp.Or(l.RoomTimeout, 10*time.Second)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 10*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 2*time.Minute)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 10*time.Second)
	return o
}
