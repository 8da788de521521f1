package serve

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// rooms are the bytes of memory that all calls share. A call takes a share of one before it makes something
// large, and gives it back when that is gone. Whoever holds a share and waits for another is bounded in time,
// and whoever has all shares makes progress by itself, so nobody waits for ever.
type rooms struct {
	smallText, largeText *semaphore.Weighted // bodies, as sent or decompressed
	smallWork, largeWork *semaphore.Weighted // what is decoded from them, and made of that
	streams              *semaphore.Weighted
	refusals             *semaphore.Weighted // calls that are being told that there is no room for them

	largeWorkBytes, streamBytes int64

	mu    sync.Mutex
	calls map[*call]struct{} // those in progress
}

const (
	callBytes        = 8 << 10   // a call itself: its goroutine, its connection's buffers
	smallTextBytes   = 64 << 10  // of one body
	smallWorkBytes   = 512 << 10 // of one request
	refusalsAtOnce   = 64
	slowestPerSecond = 16 << 10 // bytes, while others find no room
	textPatience     = 2 * time.Second
	cutEvery         = time.Second // while somebody waits, as callers may get slow after that
)

func newRooms(l Limits) *rooms {
	return &rooms{
		smallText: semaphore.NewWeighted(l.SmallBytes), largeText: semaphore.NewWeighted(l.TextBytes),
		smallWork: semaphore.NewWeighted(l.SmallBytes), largeWork: semaphore.NewWeighted(l.DecodedBytes),
		streams: semaphore.NewWeighted(l.StreamBytes), refusals: semaphore.NewWeighted(refusalsAtOnce),
		largeWorkBytes: l.DecodedBytes, streamBytes: l.StreamBytes, calls: map[*call]struct{}{},
	}
}

// share is a part of a room. The zero share is none.
type share struct {
	room  *semaphore.Weighted
	bytes int64
}

// give gives all but so many bytes back.
func (s *share) give(butBytes int64) {
	if s.bytes > butBytes {
		s.room.Release(s.bytes - butBytes)
		s.bytes = butBytes
	}
}

// takeNow takes a share if there is room. When there is not, it makes slow callers leave, for those who come next.
func (r *rooms) takeNow(room *semaphore.Weighted, bytes int64) (share, bool) {
	if room.TryAcquire(bytes) {
		return share{room, bytes}, true
	}
	r.cutStalled()
	return share{}, false
}

// take waits for room, in turn, but not for ever, and meanwhile makes slow callers leave.
func (r *rooms) take(ctx context.Context, room *semaphore.Weighted, bytes int64, patience time.Duration) (share, error) {
	if s, ok := r.takeNow(room, bytes); ok {
		return s, nil
	}
	patient, cancel := context.WithTimeout(ctx, patience)
	defer r.cutUntil(patient)()
	defer cancel()
	if err := room.Acquire(patient, bytes); err != nil {
		if ctx.Err() != nil {
			return share{}, ctx.Err()
		}
		return share{}, errBusy()
	}
	return share{room, bytes}, nil
}

// cutUntil makes slow callers leave again and again until a context ends. What it returns waits for that.
func (r *rooms) cutUntil(ctx context.Context) (wait func()) {
	var cutting sync.WaitGroup
	cutting.Go(func() {
		again := time.NewTicker(cutEvery)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				r.cutStalled()
			case <-ctx.Done():
				return
			}
		}
	})
	return cutting.Wait
}

func (r *rooms) enter(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[c] = struct{}{}
}

func (r *rooms) leave(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, c)
}

// cutStalled ends the calls whose callers are slow.
func (r *rooms) cutStalled() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock() // for as long as a call's connection is touched, the call does not end
	for c := range r.calls {
		c.cutIfStalled(now)
	}
}
