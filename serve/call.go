package serve

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
)

// call is one request on its way through the server, with what it holds of the rooms. Its goroutine owns
// all but the atomic fields.
type call struct {
	rooms   *rooms
	limits  *Limits
	control *http.ResponseController
	begun   time.Time

	base, body, work share

	waiting bool   // whether text has arrived and is not decoded yet
	codec   string // of text
	text    []byte

	arrived int64         // bytes of the body since it was last looked whether they come fast enough
	waited  time.Duration // for them

	slow             atomic.Bool  // whether they did not
	reading, writing atomic.Int64 // when the read or write that goes on began, in nanoseconds since begun; or 0
	cut              atomic.Bool
}

type callKey struct{}

// callOf returns the call that a context belongs to, or nil.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// end gives back all that the call holds.
func (c *call) end() {
	c.rooms.leave(c)
	c.base.give(0)
	c.body.give(0)
	c.work.give(0)
}

// cutIfStalled ends the call if its caller is slow. It is called by other goroutines.
func (c *call) cutIfStalled(now time.Time) {
	stalled := func(since int64) bool {
		return since > 0 && now.Sub(c.begun)-time.Duration(since) > c.limits.StallTimeout
	}
	if since := c.reading.Load(); stalled(since) || since > 0 && c.slow.Load() {
		c.cut.Store(true)
		_ = c.control.SetReadDeadline(now)
	}
	if stalled(c.writing.Load()) {
		c.cut.Store(true)
		_ = c.control.SetWriteDeadline(now)
	}
}

// arrive notes bytes of the body and how long they were waited for.
func (c *call) arrive(n int, after time.Duration) {
	c.arrived, c.waited = c.arrived+int64(n), c.waited+after
	if c.waited > c.limits.StallTimeout {
		c.slow.Store(float64(c.arrived) < c.waited.Seconds()*slowestPerSecond)
		c.arrived, c.waited = 0, 0
	}
}

// sinceBegun returns the time as the atomic fields have it.
func (c *call) sinceBegun() int64 { return max(1, int64(time.Since(c.begun))) }

// decode fills in the message from what has arrived, which is dropped. It returns why it cannot, or "".
func (c *call) decode(message any) (fault string) {
	if c == nil || !c.waiting {
		return faultOf(message)
	}
	m, ok := message.(proto.Message)
	if !ok {
		return errNotProto.Error()
	}
	if c.codec == "json" {
		fault = decodeJSON(c.text, m)
	} else {
		fault = decodeProto(c.text, m)
	}
	c.waiting, c.text = false, nil
	c.body.give(0)
	return fault
}

// answering keeps of what the call holds as much as its answer takes until it is sent.
func (c *call) answering(message any) {
	const copies = 5 // the message, its text in JSON, which may be twice as long, and that compressed
	if m, ok := message.(proto.Message); ok && c != nil {
		c.work.give(callBytes + copies*int64(proto.Size(m)))
	}
}
