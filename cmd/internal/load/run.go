package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
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
	opening  Opening
	client   whowhenv1connect.IngestServiceClient // nil until the files have been looked at
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
	return RunOpening(ctx, func(context.Context) (whowhenv1connect.IngestServiceClient, error) { return client, nil }, job, progress)
}

// Opening gives the client that a job is sent to.
type Opening func(context.Context) (whowhenv1connect.IngestServiceClient, error)

// RunOpening is Run for a client that is better not there before the job is known to be in order: opening is called
// once, when the first pass has found nothing wrong with the files and the flags, and its error is returned as it is.
func RunOpening(ctx context.Context, opening Opening, job Job, progress func(Progress)) (Summary, error) {
	p, err := newPlan(&job)
	if err != nil {
		return Summary{}, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	r := &run{opening: opening, job: &job, plan: p, report: progress, summary: Summary{RejectedBy: map[string]uint64{}}}
	start := job.Clock.Now()
	err = r.run(ctx)
	r.summary.Seconds = job.Clock.Now().Sub(start).Seconds()
	r.summary.Warnings = p.warnings
	if p.roles[roleOffset] < 0 { // else they stand in only where the column has none
		r.summary.Offsets = p.offsets
	}
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
	if err := r.checkRejectsPath(); err != nil {
		return err
	}
	if r.client, err = r.opening(ctx); err != nil {
		return err
	}
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

// checkRejectsPath refuses what can be seen to be no place for rejected rows without making a file there.
func (r *run) checkRejectsPath() error {
	path := r.job.RejectsPath
	if path == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return r.rejects.unusable(err)
	}
	target, err := os.Stat(path)
	if err != nil {
		return nil // it is yet to be made
	}
	if target.IsDir() {
		return usage("--rejects", "%s is a directory: name a file", path)
	}
	for _, f := range r.files {
		if info, err := os.Stat(f.source.name); err == nil && os.SameFile(info, target) {
			return usage("--rejects", "%s is a file to load", path)
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
	for _, f := range r.files {
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

// inFile names the file in an error that does not.
func inFile(f *file, err error) error {
	if _, ok := err.(*UsageError); ok {
		return err
	}
	return fmt.Errorf("%s: %w", f.source.name, err)
}
