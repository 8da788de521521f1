package segments

import (
	"slices"
	"sync"
	"time"
)

// pastClock says what is past for sure. What is taken away because it is old cannot be brought back, so one look at
// a clock that is ahead, and is set right soon, must not decide about it: a moment is past when every look
// for some time has said so. That time is measured by the system's monotonic clock.
type pastClock struct {
	patience time.Duration

	mu    sync.Mutex
	looks []look
}

type look struct {
	at     time.Time // monotonic
	millis int64     // what the clock said
}

// past takes a look, and returns the latest moment that is past for sure, in milliseconds since 1970; 0 when none is.
func (p *pastClock) past(now time.Time) int64 { return p.pastAt(time.Now(), now.UnixMilli()) }

func (p *pastClock) pastAt(at time.Time, millis int64) int64 {
	if p.patience <= 0 {
		return millis
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks = append(p.looks, look{at, millis})
	// One look from before the time is kept, and all since.
	for len(p.looks) > 1 && at.Sub(p.looks[1].at) >= p.patience {
		p.looks = p.looks[1:]
	}
	if at.Sub(p.looks[0].at) < p.patience {
		return 0
	}
	least := slices.MinFunc(p.looks, func(a, b look) int {
		if a.millis < b.millis {
			return -1
		}
		return 1
	})
	// Looks may come often: two of the same quarter of the time are as good as the lesser of them.
	if last := len(p.looks) - 1; last > 1 && at.Sub(p.looks[last-1].at) < p.patience/4 {
		p.looks[last-1].millis = min(p.looks[last-1].millis, p.looks[last].millis)
		p.looks = p.looks[:last]
	}
	return max(0, least.millis)
}
