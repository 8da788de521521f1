package load

import "time"

// Phase says which of its two passes over the files a run is in.
type Phase string

const (
	Reading Phase = "reading" // deciding types; nothing is sent
	Loading Phase = "loading"
)

// Progress says how far a run is. Bytes are those of the files as they are, compressed or not, in
// this phase, all files together.
type Progress struct {
	Phase         Phase
	File          string // the one at hand
	FileIndex     int    // from 0
	BytesRead     int64
	BytesTotal    int64
	Rows          uint64 // of this phase; when loading, those the server has answered for
	Rejected      uint64
	Skipped       uint64
	Elapsed       time.Duration // in this phase
	RowsPerSecond float64       // in this phase
	// Retrying is why the server did not take the last batch, which is being sent again; nil otherwise.
	Retrying error
}

// Counts says what became of rows. Rows is the sum of the others.
type Counts struct {
	Rows     uint64
	Accepted uint64
	Rejected uint64 // by the loader or by the server
	Skipped  uint64 // by Job.Where
}

func (c *Counts) add(d Counts) {
	c.Rows += d.Rows
	c.Accepted += d.Accepted
	c.Rejected += d.Rejected
	c.Skipped += d.Skipped
}

// FileSummary says what became of one file.
type FileSummary struct {
	Path   string
	LoadID string
	Counts // of this run
	// Earlier counts the rows that the server had taken before this run.
	Earlier Counts
	// AlreadyLoaded says that an earlier run had finished the file, so nothing was sent.
	AlreadyLoaded bool
	Position      uint64
}

// Summary says what became of a run. It is filled as far as the run came, also when Run
// returns an error.
type Summary struct {
	Counts  // of this run, all files
	Earlier Counts
	Files   []FileSummary
	// RejectedBy counts this run's rejected rows by reason.
	RejectedBy map[string]uint64
	// RejectsPath is the file that rejected rows were written to; empty when there were none.
	RejectsPath string
	// Unanswered counts the rows of a batch that was sent when the run failed, and to which no answer came: they may have been taken.
	Unanswered uint64
	// Position is where the last batch is in the app's log.
	Position uint64
	Seconds  float64
	// Offsets tells what the offsets of times were taken for.
	Offsets Offsets
	// Warnings are sentences about what is probably not meant.
	Warnings []string
}

// AlreadyLoaded says whether all files had been loaded before.
func (s *Summary) AlreadyLoaded() bool {
	for i := range s.Files {
		if !s.Files[i].AlreadyLoaded {
			return false
		}
	}
	return len(s.Files) > 0
}
