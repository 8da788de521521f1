package segments

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// progress is how far something is that can take long. Its methods may be called concurrently.
type progress struct {
	// changed is called after each change, by whoever made it; nil is for nobody.
	changed func()

	mu      sync.Mutex
	what    string
	inBytes bool   // at and to count bytes, not positions
	from    uint64 // the first position there is to do; 0 for bytes
	at, to  uint64 // to is 0 when it is not known how much there is
	records uint64
	begunAt time.Time
}

// begin says what is being done from now on.
func (p *progress) begin(what string) {
	p.set(func() {
		p.what, p.inBytes, p.from, p.at, p.to, p.records = what, false, 0, 0, 0, 0
		p.begunAt = time.Now()
	})
}

// bytes says how many bytes of how many are done.
func (p *progress) bytes(done, all int64) {
	p.set(func() { p.inBytes, p.at, p.to = true, uint64(done), uint64(all) })
}

// positions says that of the log's positions from one to another those up to at are done, with so many records.
func (p *progress) positions(from, at, to, records uint64) {
	p.set(func() { p.inBytes, p.from, p.at, p.to, p.records = false, from, at, to, records })
}

func (p *progress) set(change func()) {
	p.mu.Lock()
	change()
	p.mu.Unlock()
	if p.changed != nil {
		p.changed()
	}
}

// String tells it in a line for people.
func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const mib = 1 << 20
	switch {
	case p.to == 0:
		return p.what
	case p.inBytes:
		return fmt.Sprintf("%s, %d of %d MiB", p.what, p.at/mib, (p.to+mib-1)/mib)
	case p.from > 1:
		return fmt.Sprintf("%s from position %d on, now at %d of %d (%d %%)", p.what, p.from, p.at, p.to, p.percent())
	}
	return fmt.Sprintf("%s, position %d of %d (%d %%)", p.what, p.at, p.to, p.percent())
}

// percent returns the share of what there is to do that is done.
func (p *progress) percent() uint64 {
	before := uint64(0)
	if p.from > 0 {
		before = p.from - 1
	}
	if p.to <= before || p.at <= before {
		return 0
	}
	return 100 * (p.at - before) / (p.to - before)
}

// log tells it to operators, with how much is done in a second.
func (p *progress) log(to *slog.Logger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seconds := max(time.Since(p.begunAt).Seconds(), 0.001)
	per := func(n uint64) uint64 { return uint64(float64(n) / seconds) }
	const mib = 1 << 20
	switch {
	case p.to == 0:
		to.Info(p.what, "seconds", int(seconds))
	case p.inBytes:
		to.Info(p.what, "mib", p.at/mib, "of", (p.to+mib-1)/mib, "percent", p.percent(), "mib_per_second", per(p.at/mib))
	default:
		to.Info(p.what, "position", p.at, "of", p.to, "percent", p.percent(),
			"positions_per_second", per(p.at+1-max(p.from, 1)), "records_per_second", per(p.records))
	}
}

// every logs until stop is called, which returns when the last line is out.
func (p *progress) every(interval time.Duration, logger *slog.Logger) (stop func()) {
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.log(logger)
			case <-ended:
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-stopped
	}
}

// reading returns the file's content for a reader whose progress is told, and which is stopped when ctx is done.
func (p *progress) reading(ctx context.Context, f *os.File) (*countedFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &countedFile{ctx: ctx, file: f, all: info.Size(), progress: p}, nil
}

// countedFile is a file that is read to its end, perhaps several times.
type countedFile struct {
	ctx       context.Context
	file      *os.File
	done, all int64
	progress  *progress
}

func (c *countedFile) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.file.Read(b)
	c.done += int64(n)
	c.progress.bytes(c.done, c.all)
	return n, err
}

func (c *countedFile) Seek(offset int64, whence int) (int64, error) {
	at, err := c.file.Seek(offset, whence)
	c.done = at
	return at, err
}

var _ io.ReadSeeker = (*countedFile)(nil)
