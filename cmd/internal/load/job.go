package load

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kind says what the rows of the files are.
type Kind string

const (
	Events   Kind = "events"
	Tags     Kind = "tags"
	Profiles Kind = "profiles"
)

// Format says how the files are written.
type Format string

const (
	FormatByName Format = ""      // from the name's ending, otherwise from the first byte
	CSV          Format = "csv"   // RFC 4180, comma-separated, with a header
	JSONLines    Format = "jsonl" // one object a line
)

// Pair is one NAME=VALUE of a flag.
type Pair struct{ Name, Value string }

// Job says what to load and how. Run checks it and answers a *UsageError for what
// does not fit.
type Job struct {
	// App is the app to write to; empty for the default one.
	App  string
	Kind Kind
	// Files are paths, loaded one after the other. "-" is Stdin.
	Files []string
	// Stdin is read when Files names "-".
	Stdin io.Reader
	// TempDir is where Stdin and pipes are spooled; empty for the system's.
	TempDir string
	Format  Format

	// Map takes what Name says from the column Value. Names with a meaning are cid and time; for events also
	// event, offset (UTC offset in minutes) and event_id or id; for tags also tag, expires and op (add or
	// remove). Any other is the name of a property or an attribute. A name
	// with a meaning (but id) that is not mapped is taken from the column of the same
	// name, where there is one.
	Map []Pair
	// Event names all events, when no column does. A column "event" is then a property.
	Event string
	// Tag names the tag of all rows, when no column does.
	Tag string
	// Only leaves out the columns that Map does not name. Results of Set are kept.
	Only bool
	// Types settles types: Name is a column of the file, or the name it is mapped to, Value one of
	// string, number, bool, time and list.
	Types []Pair
	// Where leaves out the rows it does not hold for. Names are those of columns and of Set.
	Where string
	// Set computes properties or attributes: Name = Value, where Value is arithmetic (+ - * / and
	// parentheses) on numbers, columns, and results of earlier Sets. Names other than letters, digits
	// and _ are written in double quotes.
	Set []Pair

	// Zone is where times without an offset are read. Required.
	Zone *time.Location
	// TimeFormat is the only format of times when it is not empty.
	TimeFormat string
	// TimeUnit of times that are numbers: s, ms or us. Without it there are none.
	TimeUnit string
	// Offsets says whether offsets in the text of times are the clocks of CIDs. Times are the same moments all the same.
	Offsets OffsetRule
	// At dates the rows without a time. When zero, they count from the moment the server
	// receives them.
	At time.Time

	// RejectsPath is the CSV file for rejected rows; empty for none.
	RejectsPath string
	// Clock is required.
	Clock Clock

	batchRows int // for tests; 0 stands for maxBatchRows
}

// Clock is how Run learns the time and waits between retries.
type Clock struct {
	Now func() time.Time
	// Sleep returns early with the context's error when that ends.
	Sleep func(context.Context, time.Duration) error
}

// SystemClock returns the machine's clock.
func SystemClock() Clock {
	return Clock{Now: time.Now, Sleep: func(ctx context.Context, d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		}
	}}
}

// UsageError says which flag, or which column for a flag, is wrong.
type UsageError struct {
	Flag    string // such as "--map"; may be empty
	Message string // a sentence for people
	Err     error  // the cause, such as an *expr.Error for --where, or nil
}

// Error returns the flag and the message.
func (e *UsageError) Error() string {
	if e.Flag == "" {
		return e.Message
	}
	return e.Flag + ": " + e.Message
}

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

func usage(flag, format string, args ...any) error {
	return &UsageError{Flag: flag, Message: fmt.Sprintf(format, args...)}
}

// ParsePairs reads NAME=VALUE,NAME=VALUE as --map and --type take it. A name or a value with a
// comma, an equals sign or a double quote in it stands in double quotes, where "" is a quote.
func ParsePairs(text string) ([]Pair, error) {
	var pairs []Pair
	for rest := text; ; {
		name, after, err := pairPart(rest, "=")
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(after, "=") {
			return nil, fmt.Errorf("expected NAME=VALUE at %q", rest)
		}
		value, after, err := pairPart(after[1:], ",")
		if err != nil {
			return nil, err
		}
		if name == "" || value == "" {
			return nil, fmt.Errorf("expected NAME=VALUE at %q: neither side may be empty", rest)
		}
		pairs = append(pairs, Pair{Name: name, Value: value})
		if after == "" {
			return pairs, nil
		}
		rest = after[1:]
	}
}

// pairPart reads up to a stop, which is left in rest, or to the end.
func pairPart(text, stop string) (part, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.Index(text, stop); i >= 0 {
			return text[:i], text[i:], nil
		}
		return text, "", nil
	}
	var b strings.Builder
	for rest = text[1:]; ; {
		i := strings.IndexByte(rest, '"')
		if i < 0 {
			return "", "", fmt.Errorf("the quote at %q is not closed", text)
		}
		b.WriteString(rest[:i])
		rest = rest[i+1:]
		if !strings.HasPrefix(rest, `"`) {
			break
		}
		b.WriteByte('"')
		rest = rest[1:]
	}
	if rest != "" && !strings.HasPrefix(rest, stop) {
		return "", "", fmt.Errorf("expected %q behind the quoted name at %q", stop, rest)
	}
	return b.String(), rest, nil
}

// ParseSet reads NAME=ARITHMETIC as --set takes it. The name may stand in double quotes.
func ParseSet(text string) (Pair, error) {
	name, rest, err := pairPart(text, "=")
	if err != nil {
		return Pair{}, err
	}
	if name == "" || len(rest) < 2 {
		return Pair{}, fmt.Errorf("expected NAME=ARITHMETIC, such as amount=Quantity*UnitPrice, not %q", text)
	}
	return Pair{Name: name, Value: rest[1:]}, nil
}
