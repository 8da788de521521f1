package serve

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// audiencesAtOnce bounds the audiences that are planned at a time, as each takes two cores and a few megabytes.
	audiencesAtOnce = 2
	// audiencePatience is how long an audience waits for its turn. Who waits longer is told that the server is busy, so that callers that
	// wait do not become more and more.
	audiencePatience = 30 * time.Second
)

// sendRooms bound the audiences that are planned at a time. Transactional messages do not wait behind others, and histograms, which end by themselves, not
// behind callers who read slowly.
type sendRooms struct {
	marketing, transactional, histograms *semaphore.Weighted
}

func newSendRooms() *sendRooms {
	room := func() *semaphore.Weighted { return semaphore.NewWeighted(audiencesAtOnce) }
	return &sendRooms{marketing: room(), transactional: room(), histograms: room()}
}

// take waits for a turn in one of them.
func (sendRooms) take(ctx context.Context, all *rooms, room *semaphore.Weighted) (share, error) {
	return all.take(ctx, room, 1, audiencePatience)
}
