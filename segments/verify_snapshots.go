package segments

import (
	"fmt"
	"os"
	"path/filepath"
)

// snapshots reads every snapshot to its end.
func (v *verification) snapshots() error {
	v.joined = v.logGood && v.logFirst == 1
	dir := filepath.Join(v.dir, "snapshots")
	positions, err := snapshots(dir)
	if err != nil {
		return err
	}
	for _, position := range positions {
		name := fmt.Sprintf("%020d%s", position, snapshotSuffix)
		err := v.snapshot(filepath.Join(dir, name), position)
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		if err != nil {
			v.find("snapshots", fmt.Sprintf("%s: %v", name, err), "delete it: whowhen would pass it over, and makes another one in time")
			continue
		}
		switch {
		case !v.logGood:
		case position > v.LogPosition:
			v.find("snapshots", fmt.Sprintf("%s is of position %d, the log ends at %d", name, position, v.LogPosition), remedyShort)
			continue
		case position+1 < v.logFirst:
			v.note("%s serves no more: the log begins with position %d; delete it", filepath.Join(dir, name), v.logFirst)
			continue
		}
		v.Snapshots++
		v.joined = v.logGood
	}
	return nil
}

func (v *verification) snapshot(path string, position uint64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	v.progress.begin(fmt.Sprintf("snapshot of position %d", position))
	counted, err := v.progress.reading(v.ctx, f)
	if err != nil {
		return err
	}
	return checkSnapshot(counted, position)
}

// joint finds a log whose beginning has gone and that no snapshot makes up for.
func (v *verification) joint(indexKnown, indexServes bool) {
	if v.joined || !v.logGood {
		return
	}
	problem := fmt.Sprintf("it begins with position %d, and no good snapshot says what was before", v.logFirst)
	if indexServes {
		v.find("log", problem+"; the index still knows, but could not be built again",
			"keep the index; run \"whowhen serve\" with --snapshot-bytes 1, and write something, until it says that a snapshot is made")
		return
	}
	if indexKnown {
		problem += ", nor does the index"
	}
	v.find("log", problem, "restore the app from a backup; if this is a copy that was made while whowhen was writing, copy again")
}
