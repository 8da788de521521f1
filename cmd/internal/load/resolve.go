package load

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// addColumns makes the columns of a file known and returns their places.
func (p *plan) addColumns(names []string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		place, ok := p.places[name]
		if !ok {
			place = len(p.columns)
			p.places[name] = place
			p.columns = append(p.columns, column{name: name})
		}
		places[i] = place
	}
	return places
}

// resolve gives the columns their meanings. All columns of all files are known by now.
func (p *plan) resolve() error {
	for i := range p.roles {
		p.roles[i] = -1
	}
	mapped := map[string]bool{} // names that Map gives
	for _, m := range p.job.Map {
		place, ok := p.places[m.Value]
		if !ok {
			return usage("--map", "%s", p.unknown(m.Value))
		}
		if mapped[m.Name] {
			return usage("--map", "%q is mapped twice", m.Name)
		}
		mapped[m.Name] = true
		p.columns[place].usedBy = append(p.columns[place].usedBy, m.Name)
		r, ok := p.roleOf(m.Name)
		if !ok {
			if p.job.Kind == Tags {
				return usage("--map", "tags have no %q: columns are mapped to cid, tag, time, expires and op", m.Name)
			}
			p.props = append(p.props, property{m.Name, place})
			continue
		}
		if p.roles[r] >= 0 {
			return usage("--map", "both id and event_id are mapped")
		}
		if err := p.setRole(r, place); err != nil {
			return err
		}
	}
	if err := p.defaultRoles(mapped); err != nil {
		return err
	}
	if p.job.Kind != Tags {
		for i := range p.columns {
			if c := &p.columns[i]; len(c.usedBy) == 0 && !p.job.Only {
				p.props = append(p.props, property{c.name, i})
			}
		}
	}
	for i, s := range p.settings {
		if _, ok := p.places[s.name]; ok {
			return usage("--set", "there is a column %q already: set another name", s.name)
		}
		if _, ok := p.roleOf(s.name); ok {
			return usage("--set", "%q has a meaning of its own and cannot be computed", s.name)
		}
		p.props = append(p.props, property{s.name, len(p.columns) + i})
	}
	if err := p.checkNames(); err != nil {
		return err
	}
	if err := p.settleTypes(); err != nil {
		return err
	}
	return p.resolveNames()
}

// roleOf returns the meaning of a name in Map.
func (p *plan) roleOf(name string) (role, bool) {
	if name == "id" {
		name = "event_id"
	}
	for _, r := range p.job.Kind.roles() {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

func (p *plan) setRole(r role, place int) error {
	c := &p.columns[place]
	if c.fixed && c.kind != r.kind() {
		return usage("--map", "the column %q cannot be %s as well: a column has one type", c.name, strings.Join(c.usedBy, " and "))
	}
	p.roles[r], c.kind, c.fixed = place, r.kind(), true
	return nil
}

// defaultRoles takes columns by their own names for what Map does not say.
func (p *plan) defaultRoles(mapped map[string]bool) error {
	for _, r := range p.job.Kind.roles() {
		given := r == roleEvent && p.job.Event != "" || r == roleTag && p.job.Tag != ""
		if given && p.roles[r] >= 0 {
			return usage("--"+r.String(), "the column %q is mapped to %s: leave one out", p.columns[p.roles[r]].name, r)
		}
		place, ok := p.places[r.String()]
		if given || !ok || p.roles[r] >= 0 || len(p.columns[place].usedBy) > 0 {
			continue
		}
		p.columns[place].usedBy = []string{r.String()}
		if err := p.setRole(r, place); err != nil {
			return err
		}
	}
	switch {
	case len(p.columns) == 0:
		return usage("", "there is no row with a CID: the files have no rows, or only empty ones")
	case p.roles[roleCID] < 0:
		return usage("--map", "no column holds the CID: say --map cid=COLUMN, where COLUMN is one of %s", p.list())
	case p.job.Kind == Events && p.roles[roleEvent] < 0 && p.job.Event == "":
		return usage("--event", "no column holds the event's name: say --event NAME or --map event=COLUMN")
	case p.job.Kind == Tags && p.roles[roleTag] < 0 && p.job.Tag == "":
		return usage("--tag", "no column holds the tag: say --tag NAME or --map tag=COLUMN")
	}
	if p.job.Kind == Events && p.roles[roleTime] < 0 && p.job.At.IsZero() {
		p.warn("no column holds the time of the events, so they count from the moment they are received: say --map time=COLUMN or --at TIME")
	}
	return nil
}

func (p *plan) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// checkNames refuses names that the server would refuse in every row.
func (p *plan) checkNames() error {
	seen := map[string]bool{}
	for _, prop := range p.props {
		fault := ""
		switch {
		case seen[prop.name]:
			fault = "is the name of two columns: --map one to another name"
		case len(prop.name) > batch.MaxNameBytes:
			fault = fmt.Sprintf("has %d bytes, at most %d are taken: --map it to a shorter name", len(prop.name), batch.MaxNameBytes)
		case !utf8.ValidString(prop.name) || strings.ContainsFunc(prop.name, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }):
			fault = "holds control characters: --map it to another name"
		}
		if fault != "" {
			return usage("", "the name %q %s", clip(prop.name), fault)
		}
		seen[prop.name] = true
	}
	return nil
}

func (p *plan) settleTypes() error {
	for _, t := range p.job.Types {
		kind, ok := map[string]value.Kind{"string": value.String, "number": value.Number, "bool": value.Bool, "time": value.Time, "list": value.List}[t.Value]
		if !ok {
			return usage("--type", "%q is no type: %s is string, number, bool, time or list", t.Value, t.Name)
		}
		place, ok := p.places[t.Name]
		for _, prop := range p.props {
			if !ok && prop.name == t.Name && prop.slot < len(p.columns) {
				place, ok = prop.slot, true
			}
		}
		if !ok {
			return usage("--type", "%s", p.unknown(t.Name))
		}
		c := &p.columns[place]
		if c.fixed && c.kind != kind {
			return usage("--type", "the column %q is %s already", c.name, c.kind)
		}
		c.kind, c.fixed = kind, true
	}
	return nil
}

// resolveNames finds what the settings and the condition speak of.
func (p *plan) resolveNames() error {
	for i, s := range p.settings {
		var err error
		s.value.names(func(a *arithmetic) {
			slot, ok := p.slot(a.name, i)
			if !ok && err == nil {
				err = usage("--set", "%s", p.unknown(a.name))
			}
			a.slot = slot
		})
		if err != nil {
			return err
		}
	}
	if p.cond == nil {
		return nil
	}
	where, err := newCondition(p.cond, p.job.Zone, func(name string) (int, error) {
		slot, ok := p.slot(name, len(p.settings))
		if !ok {
			return 0, usage("--where", "%s", p.unknown(name))
		}
		return slot, nil
	})
	p.where = where
	return err
}

// slot finds a column, or one of the first settings.
func (p *plan) slot(name string, settings int) (int, bool) {
	if place, ok := p.places[name]; ok {
		return place, true
	}
	for i, s := range p.settings[:settings] {
		if s.name == name {
			return len(p.columns) + i, true
		}
	}
	return 0, false
}

func (p *plan) names() []string {
	names := make([]string, len(p.columns))
	for i := range p.columns {
		names[i] = p.columns[i].name
	}
	return names
}

// unknown says that there is no such column, and which one may be meant.
func (p *plan) unknown(name string) string {
	if nearest, ok := expr.Nearest(name, p.names()); ok {
		return fmt.Sprintf("there is no column %q: did you mean %q?", clip(name), nearest)
	}
	return fmt.Sprintf("there is no column %q: there are %s", clip(name), p.list())
}

func (p *plan) list() string {
	const shown = 20
	names := p.names()
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

// slotKind returns the type of a slot.
func (p *plan) slotKind(slot int) value.Kind {
	if slot >= len(p.columns) {
		return value.Number
	}
	return p.columns[slot].kind
}

// settle decides the types that are left, and what offsets are, once the cells have been seen.
func (p *plan) settle() error {
	p.offsets = p.zones.decide(p.job.Offsets)
	used := map[int]bool{}
	for _, prop := range p.props {
		used[prop.slot] = true
	}
	if p.where != nil {
		p.where.slots(func(slot int) { used[slot] = true })
	}
	for i := range p.columns {
		c := &p.columns[i]
		if !c.fixed {
			c.kind = c.seen.class.kind()
			if c.seen.mixed() && used[i] {
				p.warn("%s", c.seen.warning(c.name))
			}
		}
	}
	for _, r := range []role{roleTime, roleExpires} {
		if place := p.roles[r]; place >= 0 && p.layout == nil && p.job.TimeUnit == "" && p.columns[place].seen.class == classNumber {
			return usage("--time-unit", "the times in column %q are numbers: say whether they count s, ms or us", p.columns[place].name)
		}
	}
	if p.where != nil {
		p.where.mismatches(p.slotKind, func(slot int, literal value.Kind) {
			name := ""
			if slot < len(p.columns) {
				name = p.columns[slot].name
			} else {
				name = p.settings[slot-len(p.columns)].name
			}
			p.warn("--where compares %q, which is %s, with a %s: that never holds", name, p.slotKind(slot), literal)
		})
	}
	return nil
}
