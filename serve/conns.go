package serve

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// conns keeps the number of connections within bounds. It is told of each change of a connection's state.
type conns struct {
	max       int
	crowded   func() // called when none of too many connections is idle
	mu        sync.Mutex
	idleSince map[net.Conn]time.Time // zero for those that are not
}

func newConns(most int, crowded func()) *conns {
	return &conns{max: most, crowded: crowded, idleSince: map[net.Conn]time.Time{}}
}

// changed closes the connection that has been idle longest, or sent no request since it was made, when there
// is one too many. It closes the new one when all others are at work.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateClosed, http.StateHijacked:
		c.mu.Lock()
		delete(c.idleSince, conn)
		c.mu.Unlock()
	case http.StateActive:
		c.set(conn, time.Time{})
	case http.StateIdle:
		c.set(conn, time.Now())
	case http.StateNew:
		if victim := c.add(conn); victim != nil {
			victim.Close()
			if victim == conn {
				c.crowded()
			}
		}
	}
}

func (c *conns) set(conn net.Conn, idleSince time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.idleSince[conn]; open { // one that was made to leave is not
		c.idleSince[conn] = idleSince
	}
}

// add returns the connection that has to leave, or nil.
func (c *conns) add(conn net.Conn) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idleSince) < c.max {
		c.idleSince[conn] = time.Now()
		return nil
	}
	victim, longest := conn, time.Now()
	for other, since := range c.idleSince {
		if !since.IsZero() && since.Before(longest) {
			victim, longest = other, since
		}
	}
	delete(c.idleSince, victim)
	if victim != conn {
		c.idleSince[conn] = time.Now()
	}
	return victim
}
