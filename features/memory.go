package features

import (
	"context"
	"slices"
	"sync"

	"whowhen.dev/whowhen/segments"
)

// Memory keeps what sources have read of everybody of one app, so that a source of the same day needs not read it again. For each popularity it keeps that
// of the latest day, so that who asks about the past takes it from nobody; at most maxPopularities of them, and maxRememberedBytes in all.
// It is safe for concurrent use.
type Memory struct {
	reading chan struct{} // has a place for who reads
	mu      sync.Mutex
	list    []memorised
}

// maxRememberedBytes is enough for a million strings and half a million numbers.
const maxRememberedBytes = 32 << 20

// memorised is a popularity as of the days that it was read from.
type memorised struct {
	*popularity
	mark  segments.DaysMark
	today int32
}

func (m memorised) isOf(p *popularity) bool {
	return m.event == p.event && m.property == p.property && m.days == p.days
}

// NewMemory returns a memory of nothing.
func NewMemory() *Memory { return &Memory{reading: make(chan struct{}, 1)} }

// NewSource is like the function of that name, and reads of everybody what the memory does not have: one caller at a time, so that those who ask for the same
// wait for it.
func (m *Memory) NewSource(ctx context.Context, v *segments.View, columns []Column, levels Levels) (*Source, error) {
	s, err := newSource(v, columns, levels)
	if err != nil || len(s.popularities) == 0 {
		return s, err
	}
	if m.recall(s); len(s.unread()) == 0 {
		return s, nil
	}
	select {
	case m.reading <- struct{}{}:
		defer func() { <-m.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.recall(s); len(s.unread()) == 0 {
		return s, nil
	}
	unread := s.unread()
	if err := s.readPopularities(ctx); err != nil {
		return nil, err
	}
	m.memorise(s, unread)
	return s, nil
}

// recall gives a source the popularities that are still those of its days.
func (m *Memory) recall(s *Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range s.popularities {
		for _, known := range m.list {
			if known.isOf(p) && known.mark.Equal(s.markDays(p)) {
				s.popularities[i] = known.popularity
			}
		}
	}
}

func (m *Memory) memorise(s *Source, read []*popularity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	today := s.view.Day()
	for _, p := range read {
		i := slices.IndexFunc(m.list, func(known memorised) bool { return known.isOf(p) })
		if i >= 0 && m.list[i].today > today || p.ranks.bytes() > maxRememberedBytes {
			continue
		}
		if i >= 0 {
			m.list = slices.Delete(m.list, i, i+1)
		}
		m.list = append(m.list, memorised{p, s.markDays(p), today})
	}
	bytes := 0
	for i, known := range slices.Backward(m.list) {
		if bytes += known.ranks.bytes(); bytes > maxRememberedBytes || len(m.list)-i > maxPopularities {
			m.list = slices.Delete(m.list, 0, i+1)
			break
		}
	}
}

func (s *Source) markDays(p *popularity) segments.DaysMark {
	return s.view.MarkDays(p.event, p.from(s.view))
}
