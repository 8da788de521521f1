package load

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// survey reads all files once. Where the names of all columns are known from headers, what is
// wrong with the flags is said before a long file has been read.
func (r *run) survey(ctx context.Context) error {
	r.phase(Reading)
	known := true
	for _, f := range r.files {
		rows, _, done, err := r.open(ctx, f)
		if err != nil {
			return err
		}
		done()
		f.columns = rows.columns()
		r.plan.addColumns(f.columns)
		known = known && f.format == CSV
	}
	if known {
		if err := r.plan.resolve(); err != nil {
			return err
		}
		if err := r.haveColumns(); err != nil {
			return err
		}
	}
	r.phase(Reading)
	for i, f := range r.files {
		r.progress.File, r.progress.FileIndex = f.source.name, i
		if err := r.surveyFile(ctx, f); err != nil {
			return err
		}
	}
	if !known {
		if err := r.plan.resolve(); err != nil {
			if r.readable == 0 && r.unreadable != "" {
				return usage("", "no row could be read; %s", r.unreadable)
			}
			return err
		}
		if err := r.haveColumns(); err != nil {
			return err
		}
	}
	return r.plan.settle()
}

func (r *run) surveyFile(ctx context.Context, f *file) error {
	rows, in, done, err := r.open(ctx, f)
	if err != nil {
		return err
	}
	defer done()
	places := r.plan.addColumns(rows.columns())
	times := r.plan.timePlace(rows.columns())
	for {
		rec, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return inFile(f, err)
		}
		f.rows++
		if r.progress.Rows++; r.progress.Rows%maxBatchRows == 0 {
			r.progress.BytesRead = r.read.Load()
			r.tell()
		}
		if rec.fault != nil {
			if r.unreadable == "" {
				r.unreadable = fmt.Sprintf("%s, line %d: %s", f.source.name, rec.line, rec.fault.message)
			}
			continue
		}
		r.readable++
		if len(rec.cells) > len(places) { // keys of JSON come up as they come
			places, times = r.plan.addColumns(rows.columns()), r.plan.timePlace(rows.columns())
		}
		if times >= 0 && times < len(rec.cells) {
			r.plan.zones.see(rec.cells[times])
		}
		for i, c := range rec.cells {
			r.plan.columns[places[i]].seen.see(c, rec.line, f.source.name)
		}
	}
	f.columns, f.sum = rows.columns(), in.hash()
	if f.rows == 0 {
		r.plan.warn("%s has no rows", f.source.name)
	}
	r.progress.BytesRead = r.read.Load()
	r.tell()
	return nil
}

// haveColumns checks that each CSV file has the columns that Map speaks of, and that every file has CIDs.
func (r *run) haveColumns() error {
	for _, f := range r.files {
		if cid := r.plan.columns[r.plan.roles[roleCID]].name; !slices.Contains(f.columns, cid) && (f.format == CSV || f.rows > 0) {
			return usage("--map", "%s has no column %q for the CID", f.source.name, cid)
		}
		for _, m := range r.job.Map {
			if f.format == CSV && !slices.Contains(f.columns, m.Value) {
				return usage("--map", "%s has no column %q, which another file has; load them one by one", f.source.name, m.Value)
			}
		}
	}
	return nil
}
