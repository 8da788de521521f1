package load

import (
	"errors"
	"slices"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// role is a meaning that a column can have besides being a property or an attribute.
type role int

const (
	roleCID role = iota
	roleTime
	roleEvent
	roleOffset
	roleEventID
	roleTag
	roleExpires
	roleOp
	roleCount
)

func (r role) String() string {
	return [...]string{"cid", "time", "event", "offset", "event_id", "tag", "expires", "op"}[r]
}

// kind is the type that a role gives its column.
func (r role) kind() value.Kind {
	switch r {
	case roleTime, roleExpires:
		return value.Time
	case roleOffset:
		return value.Number
	}
	return value.String
}

// roles returns the meanings there are for rows of a kind.
func (k Kind) roles() []role {
	switch k {
	case Events:
		return []role{roleCID, roleTime, roleEvent, roleOffset, roleEventID}
	case Tags:
		return []role{roleCID, roleTime, roleTag, roleExpires, roleOp}
	case Profiles:
		return []role{roleCID, roleTime}
	}
	return nil
}

// property is a value of a row that goes out under a name.
type property struct {
	name string
	slot int
}

// column is a column of the files, known by its name in all of them.
type column struct {
	name   string
	kind   value.Kind // settled by a role, a type or the cells; Absent when no cell has a value
	fixed  bool       // whether a role or a type settled it
	usedBy []string   // what Map makes of it
	seen   survey
}

// setting is a --set.
type setting struct {
	name  string
	value *arithmetic
}

// plan is a Job laid over the columns that the files have. Slots number its columns and
// behind them its settings.
type plan struct {
	job      *Job
	columns  []column
	places   map[string]int // of columns by name
	settings []setting
	roles    [roleCount]int // column, or -1
	props    []property
	where    *condition
	cond     expr.Cond
	layout   *timeLayout
	zones    *offsetSurvey // nil where offsets do not matter
	offsets  Offsets
	warnings []string
}

// newPlan reads all of the job that needs no file.
func newPlan(job *Job) (*plan, error) {
	p := &plan{job: job, places: map[string]int{}}
	if len(job.Kind.roles()) == 0 {
		return nil, usage("", "rows are events, tags or profiles, not %q", job.Kind)
	}
	if len(job.Files) == 0 {
		return nil, usage("", "no file is named")
	}
	if i := slices.Index(job.Files, "-"); i >= 0 && slices.Contains(job.Files[i+1:], "-") {
		return nil, usage("", "standard input can be read once only")
	}
	switch {
	case job.Zone == nil:
		return nil, usage("--zone", "no time zone is given")
	case job.Clock.Now == nil || job.Clock.Sleep == nil:
		return nil, errors.New("load: Job.Clock is required")
	case job.Event != "" && job.Kind != Events:
		return nil, usage("--event", "only events have a name")
	case job.Tag != "" && job.Kind != Tags:
		return nil, usage("--tag", "only tags have a tag")
	case job.TimeUnit != "" && job.TimeUnit != "s" && job.TimeUnit != "ms" && job.TimeUnit != "us":
		return nil, usage("--time-unit", "the unit is s, ms or us, not %q", job.TimeUnit)
	case job.TimeUnit != "" && job.TimeFormat != "":
		return nil, usage("--time-format", "times are either in a format or numbers: leave out --time-unit or --time-format")
	case job.Format != FormatByName && job.Format != CSV && job.Format != JSONLines:
		return nil, usage("--format", "files are csv or jsonl, not %q", job.Format)
	case job.Offsets != OffsetsAuto && job.Offsets != OffsetsClock && job.Offsets != OffsetsIgnore:
		return nil, usage("--offsets", "offsets are taken as auto, clock or ignore says, not %q", job.Offsets)
	case job.Kind == Tags && len(job.Set) > 0:
		return nil, usage("--set", "tags have no properties")
	}
	if job.TimeFormat != "" {
		var err error
		if p.layout, err = newTimeLayout(job.TimeFormat); err != nil {
			return nil, &UsageError{Flag: "--time-format", Message: err.Error(), Err: err}
		}
	}
	p.zones = newOffsetSurvey(job, p.layout)
	if job.Where != "" {
		var err error
		if p.cond, err = expr.ParseCond(job.Where); err != nil {
			return nil, &UsageError{Flag: "--where", Message: err.Error(), Err: err}
		}
	}
	for _, set := range job.Set {
		a, err := parseArithmetic(set.Value)
		if err != nil {
			return nil, &UsageError{Flag: "--set", Message: err.Error(), Err: err}
		}
		for _, other := range p.settings {
			if other.name == set.Name {
				return nil, usage("--set", "%q is set twice", set.Name)
			}
		}
		p.settings = append(p.settings, setting{set.Name, a})
	}
	return p, nil
}

// wanted returns the columns that can matter when Only leaves out the others; nil when all can.
func (p *plan) wanted() map[string]bool {
	if !p.job.Only {
		return nil
	}
	wanted := map[string]bool{}
	for _, m := range p.job.Map {
		wanted[m.Value] = true
	}
	for _, r := range p.job.Kind.roles() {
		wanted[r.String()] = true
	}
	for _, t := range p.job.Types {
		wanted[t.Name] = true
	}
	for _, s := range p.settings {
		s.value.names(func(a *arithmetic) { wanted[a.name] = true })
	}
	expr.WalkCond(p.cond, func(c expr.Cond) {
		if c, ok := c.(expr.Property); ok {
			wanted[c.Name] = true
		}
	})
	return wanted
}
