package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/semaphore"

	"whowhen.dev/whowhen/segments"
)

const (
	// audiencesAtOnce bounds the audiences that are planned in a room at a time, as each takes two cores and a few megabytes.
	audiencesAtOnce = 2
	// audiencePatience is how long an audience waits for its turn. Who waits longer is told that the server is busy, so that callers that
	// wait do not become more and more.
	audiencePatience = 30 * time.Second
)

// sendRooms bound the audiences that are planned at a time. Transactional messages do not wait behind others, and histograms, which end by themselves, not
// behind callers who read slowly.
type sendRooms struct {
	streams, histograms roomPair
	patience            time.Duration
}

// roomPair has rooms for messages that are transactional and for those that are not.
type roomPair struct{ marketing, transactional *semaphore.Weighted }

func newSendRooms() *sendRooms {
	room := func() *semaphore.Weighted { return semaphore.NewWeighted(audiencesAtOnce) }
	return &sendRooms{streams: roomPair{room(), room()}, histograms: roomPair{room(), room()}, patience: audiencePatience}
}

func (p *roomPair) of(transactional bool) *semaphore.Weighted {
	if transactional {
		return p.transactional
	}
	return p.marketing
}

// take waits for a turn in one of them.
func (r *sendRooms) take(ctx context.Context, all *rooms, room *semaphore.Weighted) (share, error) {
	turn, err := all.take(ctx, room, 1, r.patience)
	if busy := new(connect.Error); errors.As(err, &busy) && busy.Code() == connect.CodeResourceExhausted {
		return share{}, r.errBusy()
	}
	return turn, err
}

func (r *sendRooms) errBusy() error {
	e := newError(connect.CodeResourceExhausted, &segments.Error{Reason: reasonServerBusy, Retryable: true,
		Message: fmt.Sprintf("%d audiences are being planned, and none of them was through within %s; try again in a while", audiencesAtOnce, r.patience)})
	e.Meta().Set("Retry-After", "5")
	return e
}
