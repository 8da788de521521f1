package registry

import (
	"fmt"
	"path/filepath"
	"time"

	"whowhen.dev/whowhen/segments"
)

// Action is what a change does.
type Action string

// The actions.
const (
	Activated  Action = "ACTIVATED"
	RolledBack Action = "ROLLED_BACK"
	// Deactivated leaves no version active. The Version of the change is empty.
	Deactivated Action = "DEACTIVATED"
)

// Change says who made which version active, and when.
type Change struct {
	Action  Action    `json:"action"`
	Version Version   `json:"version"` // active from then on
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	// Forced says that the version was activated although it did not beat its baselines.
	Forced bool `json:"forced"`
}

const changesFile = "changes.jsonl"

// Changes returns the changes of a model, the oldest first.
func (r Registry) Changes(name string) ([]Change, error) {
	if _, err := r.Versions(name); err != nil {
		return nil, err
	}
	return readChanges(filepath.Join(r.dir, name, changesFile))
}

// History is Changes also where no version is there any more.
func (r Registry) History(name string) ([]Change, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return readChanges(filepath.Join(r.dir, name, changesFile))
}

func readChanges(path string) ([]Change, error) {
	return readLines(path, "mend or remove it, and activate the version that is to be active", Change.known)
}

// known says whether a change is one that Active understands.
func (c Change) known() bool {
	switch c.Action {
	case Activated, RolledBack:
		return c.Version != ""
	case Deactivated:
		return c.Version == ""
	}
	return false
}

// Active returns the version that is active after some changes, or "", and the one that a rollback would make active, or "".
func Active(changes []Change) (active, before Version) {
	var stack []Version
	for _, c := range changes {
		switch {
		case c.Action == RolledBack && len(stack) > 1:
			stack = stack[:len(stack)-1]
		case c.Action == Deactivated:
			stack = nil
		case c.Action == Activated && (len(stack) == 0 || stack[len(stack)-1] != c.Version):
			stack = append(stack, c.Version)
		}
	}
	if n := len(stack); n > 0 {
		active = stack[n-1]
		if n > 1 {
			before = stack[n-2]
		}
	}
	return active, before
}

// Activate makes a version active, and returns the one that was so before, or "". It says nothing twice: activating what is
// active changes nothing.
func (r Registry) Activate(name string, version Version, at time.Time, by string, forced bool) (previous Version, err error) {
	if err := r.check(name, version); err != nil {
		return "", err
	}
	changes, err := r.Changes(name)
	if err != nil {
		return "", err
	}
	previous, _ = Active(changes)
	if previous == version {
		return previous, nil
	}
	return previous, r.append(name, Change{Activated, version, at.UTC().Truncate(time.Second), by, forced})
}

// Before returns the version that a rollback would make active, and the one that is active.
func (r Registry) Before(name string) (before, active Version, err error) {
	changes, err := r.Changes(name)
	if err != nil {
		return "", "", err
	}
	active, before = Active(changes)
	if before == "" {
		return "", "", &segments.Error{Reason: NoneBefore, Field: "name", Message: fmt.Sprintf("no version of model %s was active before the present one, so there is none to go back to", name)}
	}
	return before, active, nil
}

// Rollback makes the version active that was so before the present one, and returns both.
func (r Registry) Rollback(name string, at time.Time, by string) (version, previous Version, err error) {
	version, previous, err = r.Before(name)
	if err == nil {
		err = r.append(name, Change{RolledBack, version, at.UTC().Truncate(time.Second), by, false})
	}
	return version, previous, err
}

// Deactivate leaves no version active, and returns the one that was, or "".
func (r Registry) Deactivate(name string, at time.Time, by string) (previous Version, err error) {
	changes, err := r.Changes(name)
	if err != nil {
		return "", err
	}
	if previous, _ = Active(changes); previous == "" {
		return "", nil
	}
	return previous, r.append(name, Change{Deactivated, "", at.UTC().Truncate(time.Second), by, false})
}

func (r Registry) append(name string, c Change) error {
	return appendLine(filepath.Join(r.dir, name), changesFile, c)
}
