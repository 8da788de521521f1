package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// file is one input of a run.
type file struct {
	source  *source
	format  Format
	columns []string // of the file itself
	sum     [sha256.Size]byte
	rows    uint64
}

// run is one call of Run.
type run struct {
	client   whowhenv1connect.IngestServiceClient
	job      *Job
	plan     *plan
	report   func(Progress)
	files    []*file
	rejects  *rejectsFile
	summary  Summary
	progress Progress
	began    time.Time // of the phase
	read     atomic.Int64

	readable   uint64 // rows of all files, in the first phase
	unreadable string // what is wrong with the first row that is not
}

// Run loads the job's files. progress may be nil; it is called by Run itself, never
// twice at once, every 16,384 rows that are read and after each batch that the server has
// answered for. The summary tells how far the run came, with an error too; running the
// same job again continues there.
func Run(ctx context.Context, client whowhenv1connect.IngestServiceClient, job Job, progress func(Progress)) (Summary, error) {
	p, err := newPlan(&job)
	if err != nil {
		return Summary{}, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	r := &run{client: client, job: &job, plan: p, report: progress, summary: Summary{RejectedBy: map[string]uint64{}}}
	start := job.Clock.Now()
	err = r.run(ctx)
	r.summary.Seconds = job.Clock.Now().Sub(start).Seconds()
	r.summary.Warnings, r.summary.Offsets = p.warnings, p.offsets
	return r.summary, err
}

func (r *run) run(ctx context.Context) (err error) {
	defer func() {
		for _, f := range r.files {
			f.source.remove()
		}
	}()
	for _, name := range r.job.Files {
		s, err := newSource(ctx, r.job, name)
		if err != nil {
			return err
		}
		r.files = append(r.files, &file{source: s})
	}
	if err := r.survey(ctx); err != nil {
		return err
	}
	var columns []string
	for _, f := range r.files {
		if f.format == CSV {
			for _, name := range f.columns {
				if !slices.Contains(columns, name) {
					columns = append(columns, name)
				}
			}
		}
	}
	r.rejects = newRejectsFile(r.job.RejectsPath, columns)
	defer func() {
		written, closeErr := r.rejects.close()
		if written {
			r.summary.RejectsPath = r.job.RejectsPath
		}
		if err == nil {
			err = closeErr
		}
	}()
	if err := r.openRejects(ctx); err != nil {
		return err
	}
	r.phase(Loading)
	for i, f := range r.files {
		r.progress.File, r.progress.FileIndex = f.source.name, i
		if err := r.load(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// openRejects opens the rejects file as the server's state of all files demands. When
// there is nothing to load it leaves alone what is there.
func (r *run) openRejects(ctx context.Context) error {
	if r.job.RejectsPath == "" {
		return nil
	}
	resume, resumed, finished := map[string]uint64{}, false, true
	target, targetErr := os.Stat(r.job.RejectsPath)
	for _, f := range r.files {
		if info, err := os.Stat(f.source.name); err == nil && targetErr == nil && os.SameFile(info, target) {
			return usage("--rejects", "%s is a file to load", r.job.RejectsPath)
		}
		if f.rows == 0 {
			continue
		}
		state, err := r.sender(loadID(r.plan, f.format, f.sum)).state(ctx)
		if err != nil {
			return fmt.Errorf("%s: asking how far it is loaded: %w", f.source.name, err)
		}
		resume[f.source.name] = state.NextRow
		resumed = resumed || state.NextRow > 0
		finished = finished && state.Finished
	}
	if finished {
		return nil
	}
	return r.rejects.open(resume, resumed)
}

// phase begins one of the two passes.
func (r *run) phase(phase Phase) {
	r.progress = Progress{Phase: phase}
	for _, f := range r.files {
		r.progress.BytesTotal += f.source.size
	}
	r.read.Store(0)
	r.began = r.job.Clock.Now()
}

func (r *run) tell() {
	r.progress.Elapsed = r.job.Clock.Now().Sub(r.began)
	r.progress.RowsPerSecond = 0
	if seconds := r.progress.Elapsed.Seconds(); seconds > 0 {
		r.progress.RowsPerSecond = float64(r.progress.Rows) / seconds
	}
	r.report(r.progress)
}

// open begins to read a file's rows.
func (r *run) open(ctx context.Context, f *file) (records, *lines, func(), error) {
	c, err := f.source.open(ctx, &r.read)
	if err != nil {
		return nil, nil, nil, err
	}
	in := newLines(c)
	rows, err := r.begin(f, in)
	if err != nil {
		c.close()
		return nil, nil, nil, err
	}
	return rows, in, c.close, nil
}

func (r *run) begin(f *file, in *lines) (records, error) {
	head, err := in.head()
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return nil, usage("", "%s is UTF-16: convert it to UTF-8", f.source.name)
	}
	if f.format == "" { // later passes, which run beside others, find it settled
		if f.format, err = f.source.format(r.job.Format, head); err != nil {
			return nil, err
		}
	}
	if f.format == JSONLines {
		return newJSONReader(in, f.source.name, f.columns, r.plan.wanted())
	}
	return newCSVReader(in, f.source.name)
}

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

// inFile names the file in an error that does not.
func inFile(f *file, err error) error {
	if _, ok := err.(*UsageError); ok {
		return err
	}
	return fmt.Errorf("%s: %w", f.source.name, err)
}
