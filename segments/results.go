package segments

import (
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// WriteRequest is one batch for App.Write.
type WriteRequest struct {
	// BatchID makes a retry safe; may be empty. Content is a hash of all the caller's
	// content, and tells a retry from another batch under the same id.
	BatchID string
	Content [32]byte
	// Load names the rows of a bulk load; nil otherwise.
	Load *batch.Load
	// ValidateOnly checks and answers, but writes nothing.
	ValidateOnly bool
	// Build gives the records to the builder. It is called once, or for a retry
	// again with the moment at which the batch first came in.
	Build func(b *batch.Builder) error
}

// WriteResult is the answer to a Write that is on disk.
type WriteResult struct {
	Position uint64
	Accepted int
	Rejects  []batch.Reject // by index
	Repeated bool           // the answer to an earlier batch of the same id
}

// LoadState says how far a bulk load has come.
type LoadState struct {
	NextRow  uint64
	Finished bool
	Accepted uint64
	Rejected uint64
	Skipped  uint64
	Position uint64
}

// ReadOptions says at which moment and position to read.
type ReadOptions struct {
	AsOf            time.Time // zero means now
	AtLeastPosition uint64    // 0 means whatever is visible
}

// Warning names something in an expression that nobody has used yet.
type Warning struct {
	Reason  string // UNKNOWN_TAG, UNKNOWN_ATTRIBUTE, UNKNOWN_EVENT, UNKNOWN_PROPERTY, ATTRIBUTE_TYPE or BEYOND_RETENTION
	Name    string
	Nearest string // the nearest known name, or ""
	Message string // a sentence for people
}

// Clause is a term of an expression with what Explain found.
type Clause struct {
	Expression string // canonical
	// Count is how many the term holds for by itself. Running is how many are left
	// after it and its elder siblings in an `and`, or gathered by then in an `or`.
	Count, Running uint64
	Holds          bool      // for one CID
	Evidence       *Evidence // for one CID; nil for and, or, not
	Clauses        []*Clause
}

// Evidence is what the index knows of one CID about one term.
type Evidence struct {
	Summary   string // a sentence for people
	Behaviour *BehaviourEvidence
	Value     value.Value    // of an attribute, and the probability of a score; absent when missing
	ExpiresAt time.Time      // of a tag; zero when it does not expire
	Score     *ScoreEvidence // of a score and a top; nil when there is none
}

// BehaviourEvidence sums up the events in the window that the where holds for.
type BehaviourEvidence struct {
	Count, Days uint64
	Sum         string    // exact digits; "" when nothing is summed
	First, Last time.Time // to the second; zero when there is none
}

// CIDExplanation says why one CID is in an audience or not.
type CIDExplanation struct {
	Known      bool // heard of by as_of
	Contained  bool
	FirstHeard time.Time
	Root       *Clause
}

// Status says what an app holds and how it is.
type Status struct {
	App, Zone          string
	Writable           bool
	WhyReadOnly        string
	WhyNoSnapshot      string // why the log cannot be shortened just now, or ""
	DurablePosition    uint64
	VisiblePosition    uint64
	CheckpointPosition uint64
	CIDs               uint64
	Tags, Attributes   []FieldStatus
	Events             []EventStatus
	Scores             []ScoreStatus
	Retentions         []batch.Retention
	LogBytes           uint64
	IndexBytes         uint64
	CacheBytes         uint64 // of all apps together
	CacheBudgetBytes   uint64
	CacheHits          uint64 // fragments that a query found in memory, since the app was opened
	CacheMisses        uint64 // those that it had to read
	DirtyBytes         uint64
	Recovery           string
	StartedAt          time.Time
}

// FieldStatus describes a tag or an attribute.
type FieldStatus struct {
	Name string
	CIDs uint64
	Type string // of an attribute
}

// EventStatus describes an event.
type EventStatus struct {
	Name              string
	Count             uint64
	FirstDay, LastDay string // 2006-01-02; "" when there is none
	Properties        []string
}
