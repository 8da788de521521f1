package segments

// Reason is a stable word for what went wrong, for programs to act on.
type Reason string

const (
	AppUnknown         Reason = "APP_UNKNOWN"          // no app of that name in the data directory
	AppExists          Reason = "APP_EXISTS"           // an app of that name is there already
	AppNameInvalid     Reason = "APP_NAME_INVALID"     // app names are 1 to 64 of a-z 0-9 - _
	ZoneUnknown        Reason = "ZONE_UNKNOWN"         // not an IANA time zone
	AsOfInFuture       Reason = "AS_OF_IN_FUTURE"      // nobody knows tomorrow
	AsOfOutOfRange     Reason = "AS_OF_OUT_OF_RANGE"   // before 1970
	ScoreUnknown       Reason = "SCORE_UNKNOWN"        // no score of that name is published
	ScoresMalformed    Reason = "SCORES_MALFORMED"     // a chunk of scores, or what is said of them, that cannot be
	ScoresOutOfOrder   Reason = "SCORES_OUT_OF_ORDER"  // not the next chunk, or a generation that is not the one that is staged
	TooManyScores      Reason = "TOO_MANY_SCORES"      // drop one first
	NotANumber         Reason = "NOT_A_NUMBER"         // no attribute with numbers
	PositionNotReached Reason = "POSITION_NOT_REACHED" // the index is not that far yet
	BatchIDReused      Reason = "BATCH_ID_REUSED"      // the same batch_id came with other content
	LoadOutOfOrder     Reason = "LOAD_OUT_OF_ORDER"    // rows of a load are taken in order, each once
	BatchTooLarge      Reason = "BATCH_TOO_LARGE"      // a batch must fit one frame of the log
	BatchMalformed     Reason = "BATCH_MALFORMED"      // columns that do not fit together
	ReadOnly           Reason = "READ_ONLY"            // the log or the disk failed; restart after mending it
	DiskFull           Reason = "DISK_FULL"            // too little room is left; writes go on when there is more
	RetentionInvalid   Reason = "RETENTION_INVALID"    // not a name, or not a number of days
	Starting           Reason = "STARTING"             // the app is being opened; the message says how far that is
	Closed             Reason = "CLOSED"               // the app is shutting down
	DirectoryInUse     Reason = "DIRECTORY_IN_USE"     // another process holds the data directory
	DirectoryUnusable  Reason = "DIRECTORY_UNUSABLE"   // cannot be made, read or written
	IndexUnavailable   Reason = "INDEX_UNAVAILABLE"    // the disk of the index fails
	IndexDamaged       Reason = "INDEX_DAMAGED"        // the index on disk failed a check while being read
)

// Error is an error that callers can act on.
type Error struct {
	Reason    Reason
	Field     string // the request's field at fault, such as "read.as_of"; may be empty
	Message   string // a sentence for people: what, where, what to do
	Retryable bool   // the same call can succeed later without being changed
	Err       error  // the cause, or nil
}

// Error returns the message, with the cause if there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
