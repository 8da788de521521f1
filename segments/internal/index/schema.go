package index

import (
	"sync"

	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/value"
)

// Schema knows every tag, attribute, event and property by name and number, and their
// dictionaries. Only the applier adds to it; everybody may read it at any time. It only grows, so
// that a reader of an older version merely meets names that hold nothing there.
type Schema struct {
	mu         sync.RWMutex
	tags       names
	attributes names
	events     names
	kinds      []value.Kind // of attributes
	firstSet   []uint64     // position of the batch that first set each attribute
	values     []*Values    // of attributes
	props      []*names     // of events
	propValues [][]*Values  // of events, by property
}

// Values is the dictionary of a field: of its strings, and of its lists, each of
// which is coded as one string by dict.AppendStrings.
type Values struct{ Strings, Lists *dict.Strings }

func newValues() *Values { return &Values{Strings: dict.NewStrings(), Lists: dict.NewStrings()} }

type names struct {
	ids  map[string]uint32
	list []string
}

func (n *names) find(name string) (uint32, bool) {
	id, found := n.ids[name]
	return id, found
}

func (n *names) add(name string) (id uint32, added bool) {
	if id, found := n.ids[name]; found {
		return id, false
	}
	if n.ids == nil {
		n.ids = map[string]uint32{}
	}
	id = uint32(len(n.list))
	n.ids[name] = id
	n.list = append(n.list, name)
	return id, true
}

func (n *names) all() []string { return n.list[:len(n.list):len(n.list)] }

// NewSchema returns an empty schema.
func NewSchema() *Schema { return &Schema{} }

// Tag returns the number of a tag.
func (s *Schema) Tag(name string) (id uint32, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tags.find(name)
}

// Attribute returns the number, type and dictionary of an attribute.
func (s *Schema) Attribute(name string) (id uint32, k value.Kind, v *Values, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, found = s.attributes.find(name); found {
		return id, s.kinds[id], s.values[id], true
	}
	return 0, value.Absent, nil, false
}

// FirstSet returns the type of an attribute and the position of the batch that first set it.
func (s *Schema) FirstSet(name string) (k value.Kind, position uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, found := s.attributes.find(name); found {
		return s.kinds[id], s.firstSet[id]
	}
	return value.Absent, 0
}

// Event returns the number of an event.
func (s *Schema) Event(name string) (id uint32, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.events.find(name)
}

// Property returns the number and dictionary of an event's property.
func (s *Schema) Property(event uint32, name string) (id uint32, v *Values, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id, found = s.props[event].find(name); found {
		return id, s.propValues[event][id], true
	}
	return 0, nil, false
}

// Tags returns the names of all tags, by number.
func (s *Schema) Tags() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tags.all()
}

// Attributes returns the names of all attributes, by number.
func (s *Schema) Attributes() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.attributes.all()
}

// Events returns the names of all events, by number.
func (s *Schema) Events() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.events.all()
}

// Properties returns the names of an event's properties, by number.
func (s *Schema) Properties(event uint32) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.props[event].all()
}

// Names returns how many names there are.
func (s *Schema) Names() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.tags.list) + len(s.attributes.list) + len(s.events.list)
	for _, p := range s.props {
		n += len(p.list)
	}
	return n
}

func (s *Schema) addTag(name string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := s.tags.add(name)
	return id
}

// addAttribute returns the attribute, made with the kind and the position if it is new.
func (s *Schema) addAttribute(name string, k value.Kind, position uint64) (uint32, value.Kind, *Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, added := s.attributes.add(name)
	if added {
		s.kinds, s.values = append(s.kinds, k), append(s.values, newValues())
		s.firstSet = append(s.firstSet, position)
	}
	return id, s.kinds[id], s.values[id]
}

func (s *Schema) addEvent(name string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, added := s.events.add(name)
	if added {
		s.props, s.propValues = append(s.props, &names{}), append(s.propValues, nil)
	}
	return id
}

func (s *Schema) addProperty(event uint32, name string) (uint32, *Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, added := s.props[event].add(name)
	if added {
		s.propValues[event] = append(s.propValues[event], newValues())
	}
	return id, s.propValues[event][id]
}
