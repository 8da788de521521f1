package segments

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/value"
)

// admission decides what may go into the log and in which order. It knows the app as it will be when
// all that is in flight has been applied, so that what the log holds never has to be refused.
type admission struct {
	mu      sync.Mutex
	closed  bool
	types   map[string]attributeType
	loads   map[string]index.Load
	flights map[string]*pending     // the last batch of each load that is not on disk yet
	batches map[batchKey]*seenBatch // those that no checkpoint has stored
	forgot  uint64                  // how often batch ids were dropped because a checkpoint has them
}

// attributeType is an attribute's type and the position of the batch that first set it.
type attributeType struct {
	kind  value.Kind
	since uint64
}

// inFlight is the position of what has none yet: later than all.
const inFlight = math.MaxUint64

func (m *admission) begin(ix *index.Index) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.types, m.flights = map[string]attributeType{}, map[string]*pending{}
	for _, name := range ix.Schema.Attributes() {
		kind, since := ix.Schema.FirstSet(name)
		m.types[name] = attributeType{kind, since}
	}
	m.loads = maps.Clone(ix.Loads())
	if m.loads == nil {
		m.loads = map[string]index.Load{}
	}
}

// close lets nobody in any more; it says whether anybody could get in before.
func (m *admission) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := !m.closed
	m.closed = true
	return was
}

// remember notes a batch that is in the log.
func (m *admission) remember(b *batch.Batch, position uint64) {
	if b.ID == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.batches == nil {
		m.batches = map[batchKey]*seenBatch{}
	}
	m.batches[keyOf(b.ID)] = &seenBatch{content: b.Content, receivedMillis: b.ReceivedMillis, position: position}
}

// admit lets a batch in: it takes out the records whose attributes have another type, reserves
// what the batch brings, and sends it on its way, in one step. It returns the records taken out.
func (m *admission) admit(p *pending, send chan<- *pending) ([]batch.Reject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, &Error{Reason: Closed, Message: "the app is being closed", Retryable: true}
	}
	b := p.batch
	if b.Load != nil {
		if err := m.checkLoad(b.Load); err != nil {
			return nil, err
		}
	}
	if b.ID != "" {
		// Of the same batch, sent twice at once, one was not known when the other looked.
		seen := m.batches[keyOf(b.ID)]
		if seen != nil && !seen.expired(b.ReceivedMillis) || m.forgot != p.forgot {
			return nil, errRepeated
		}
	}
	rejects, brought := m.checkTypes(b, inFlight)
	p.brought = brought
	for name, kind := range brought {
		m.types[name] = attributeType{kind, inFlight}
	}
	if b.Load != nil {
		// The server rejected these rows; with the loader's own they make the load's total.
		b.Load.Rejected += uint64(len(rejects))
		p.before = m.loads[b.Load.ID]
		m.loads[b.Load.ID] = p.before.Add(b, 0)
		m.flights[b.Load.ID] = p
	}
	if b.ID != "" {
		if m.batches == nil {
			m.batches = map[batchKey]*seenBatch{}
		}
		p.seen = &seenBatch{content: b.Content, receivedMillis: b.ReceivedMillis, settled: make(chan struct{})}
		m.batches[keyOf(b.ID)] = p.seen
	}
	send <- p
	return rejects, nil
}

// errRepeated says that a batch with the same id has been admitted meanwhile.
var errRepeated = errors.New("the batch id is known")

func (m *admission) checkLoad(l *batch.Load) error {
	known := m.loads[l.ID]
	if known.Finished {
		return &Error{Reason: LoadOutOfOrder, Field: "load.first_row", Message: fmt.Sprintf("load %.40s is finished at row %d", l.ID, known.NextRow)}
	}
	if l.FirstRow != known.NextRow {
		return &Error{Reason: LoadOutOfOrder, Field: "load.first_row", Message: fmt.Sprintf("load %.40s goes on at row %d, not %d; ask GetLoad", l.ID, known.NextRow, l.FirstRow)}
	}
	return nil
}

// settle notes how a batch came out. Batches settle in the order of the log.
func (m *admission) settle(p *pending, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := p.batch.Load; l != nil {
		if m.flights[l.ID] == p {
			delete(m.flights, l.ID)
		}
		// After a failure nothing goes to the log any more, so all that follows fails too; the
		// first to fail is the last to be sure of.
		if err != nil && m.loads[l.ID].NextRow > p.before.NextRow {
			m.loads[l.ID] = p.before
		}
	}
	close(p.settled)
	if err == nil {
		for name, kind := range p.brought {
			m.types[name] = attributeType{kind, p.position}
		}
	}
	if p.seen == nil {
		return
	}
	if err == nil {
		p.seen.position = p.position
	} else if m.batches[keyOf(p.batch.ID)] == p.seen {
		delete(m.batches, keyOf(p.batch.ID))
	}
	close(p.seen.settled)
}

// checkTypes takes out the profile records that give an attribute another type than it had before a
// position, and returns them with the types that the others bring. Records are looked at in order, so that the first type
// holds within a batch too.
func (m *admission) checkTypes(b *batch.Batch, position uint64) (rejects []batch.Reject, brought map[string]value.Kind) {
	brought = map[string]value.Kind{}
	typeOf := func(name string) value.Kind {
		if t, found := m.types[name]; found && (t.since < position || position == inFlight) {
			return t.kind
		}
		return brought[name]
	}
	for i := range b.Profiles {
		p := &b.Profiles[i]
		if uniform(p, typeOf, brought) {
			continue
		}
		keep := make([]bool, p.CIDs.Len())
		for row := range keep {
			wrong := misfit(p, row, typeOf)
			if keep[row] = wrong == nil; !keep[row] {
				rejects = append(rejects, *wrong)
				continue
			}
			for c := range p.Set {
				if kind := p.Set[c].Kinds[row]; kind != value.Absent && kind != batch.Unset && typeOf(p.Set[c].Name) == value.Absent {
					brought[p.Set[c].Name] = kind
				}
			}
		}
		p.Filter(keep)
	}
	b.Profiles = slices.DeleteFunc(b.Profiles, func(p batch.Profiles) bool { return p.CIDs.Len() == 0 })
	return rejects, brought
}

// uniform says whether each column holds one type only and the attribute has it or no type yet; it
// notes the types of the latter.
func uniform(p *batch.Profiles, typeOf func(string) value.Kind, brought map[string]value.Kind) bool {
	found := make([]value.Kind, len(p.Set))
	for c := range p.Set {
		found[c] = typeOf(p.Set[c].Name)
		for _, kind := range p.Set[c].Kinds {
			if kind == value.Absent || kind == batch.Unset || kind == found[c] {
				continue
			}
			if found[c] != value.Absent {
				return false
			}
			found[c] = kind
		}
	}
	for c, kind := range found {
		if kind != value.Absent && typeOf(p.Set[c].Name) == value.Absent {
			brought[p.Set[c].Name] = kind
		}
	}
	return true
}

// misfit returns what is wrong with a row's types, or nil.
func misfit(p *batch.Profiles, row int, typeOf func(string) value.Kind) *batch.Reject {
	for c := range p.Set {
		name, kind := p.Set[c].Name, p.Set[c].Kinds[row]
		if want := typeOf(name); kind != value.Absent && kind != batch.Unset && want != value.Absent && want != kind {
			return &batch.Reject{Index: int(p.Index[row]), Field: "set." + name, Reason: "ATTRIBUTE_TYPE",
				Message: fmt.Sprintf("attribute %q has held values of type %s since it was first set; this one is of type %s", name, want, kind)}
		}
	}
	return nil
}
