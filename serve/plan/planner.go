package plan

import (
	"encoding/binary"
	"errors"
	"sync"
)

// maxFrameBytes bounds the frames that a Planner keeps. A message of a few days needs about 20 KiB for each zone and place that the policy
// tells apart; what is over the bound is computed for each CID again.
const maxFrameBytes = 64 << 20

// Planner plans one message. It may be used by any number of goroutines, each with a Worker of its own.
type Planner struct {
	message Message
	policy  *Policy
	app     *Zone
	span    span
	width   int64 // seconds
	key     uint64

	mu     sync.RWMutex
	frames map[frameKey]*frame
	alike  map[alikeKey]*frame // the same frames; zones that agree in the span share one
	bytes  int
}

type frameKey struct {
	zone  *Zone
	place string
}

type alikeKey struct{ place, periods string }

// New returns a planner for a message under a policy, which may be nil. app is the zone for CIDs that have none. A fault of the message is a
// *FieldError.
func New(m Message, policy *Policy, app *Zone) (*Planner, error) {
	if app == nil {
		return nil, errors.New("plan: a planner needs the app's zone")
	}
	m, err := m.check()
	if err != nil {
		return nil, err
	}
	p := &Planner{message: m, policy: policy, app: app, key: mix(hash(m.Seed)), frames: map[frameKey]*frame{}, alike: map[alikeKey]*frame{},
		width: int64(m.WidthMinutes) * 60, span: span{start: ceilUnix(m.From)}}
	p.span.end = p.span.start + p.width
	if !m.Until.IsZero() {
		p.span.end = m.Until.Unix()
	}
	if m.Class == Transactional {
		p.width = max(1, min(p.width, p.span.end-p.span.start))
	}
	return p, nil
}

// Message returns the message, with its defaults filled in.
func (p *Planner) Message() Message { return p.message }

// Place returns what of a place the policy can tell apart: CIDs whose places have the same are planned alike.
func (p *Planner) Place(place string) string { return p.policy.canonical(place) }

// frame returns what is known of a zone and place.
func (p *Planner) frame(zone *Zone, place string) *frame {
	key := frameKey{zone, p.policy.canonical(place)}
	p.mu.RLock()
	f := p.frames[key]
	p.mu.RUnlock()
	if f != nil {
		return f
	}
	s := p.span
	if p.message.Class == Transactional {
		s.end = s.start + p.width
	}
	ps := periods(zone.loc, s.start, s.end)
	alike := alikeKey{key.place, signature(ps)}
	p.mu.RLock()
	f = p.alike[alike]
	p.mu.RUnlock()
	if f == nil {
		f = newFrame(p.policy, key.place, ps, s, p.width, p.message.Class == Transactional)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch kept := p.alike[alike]; {
	case kept != nil:
		f = kept
	case p.bytes+f.bytes() > maxFrameBytes:
		return f
	default:
		p.alike[alike] = f
		p.bytes += f.bytes()
	}
	const keyBytes = 128
	if p.bytes+keyBytes <= maxFrameBytes {
		p.frames[key] = f
		p.bytes += keyBytes
	}
	return f
}

func signature(ps []period) string {
	b := make([]byte, 0, 16*len(ps))
	for _, p := range ps {
		b = binary.BigEndian.AppendUint64(b, uint64(p.start))
		b = binary.BigEndian.AppendUint64(b, uint64(p.offset))
	}
	return string(b)
}
