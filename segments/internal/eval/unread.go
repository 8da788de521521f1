package eval

import "whowhen.dev/whowhen/segments/internal/bitmap"

// readNanos is about what it takes to read a fragment that is not in memory.
const readNanos = 80_000

// unread returns how many fragments the terms will have to read, about.
func (e *Env) unread(t term) int {
	n := 0
	switch t := t.(type) {
	case *and:
		n = unreadOf(e, t.rows) + unreadOf(e, t.none) + unreadOf(e, t.others)
		for _, rows := range t.any {
			n += unreadOf(e, rows)
		}
	case *or:
		n = unreadOf(e, t.rows) + unreadOf(e, t.others)
	case not:
		n = e.unread(t.term)
	case *shared:
		n = e.unread(t.term)
	case *tag:
		for shard := range e.Version.Shards() {
			if !e.Version.TagInMemory(shard, t.id) {
				n++
			}
		}
	case *did:
		n = t.events.unread(e)
	case *counting:
		n = t.events.unread(e)
	case attribute:
		for number := range e.blocks() {
			if !e.Version.AttributeInMemory(number/bitmap.ShardBlocks, t.id, number%bitmap.ShardBlocks) {
				n++
			}
		}
	case scored:
		for number := range e.blocks() {
			if !e.Version.ScoreInMemory(number/bitmap.ShardBlocks, t.column, number%bitmap.ShardBlocks) {
				n++
			}
		}
	}
	return n
}

func unreadOf[T term](e *Env, terms []T) int {
	n := 0
	for _, t := range terms {
		n += e.unread(t)
	}
	return n
}

func (s *events) unread(e *Env) int {
	n := 0
	for shard := range e.Version.Shards() {
		for _, d := range e.Version.EventDays(shard, s.id, max(s.keptFrom, s.span.fromDay), s.span.toDay) {
			if !d.InMemory() {
				n++
			}
		}
	}
	return n
}
