// Package load is the engine of `whowhen load`: it reads CSV and JSON lines, decides
// the type of each column, and sends the rows to an IngestService by column.
//
// # Use
//
//	summary, err := load.Run(ctx, client, load.Job{
//		Kind:  load.Events,
//		Files: []string{"online_retail.csv.gz"},
//		Event: "purchase",
//		Map:   []load.Pair{{Name: "cid", Value: "CustomerID"}, {Name: "time", Value: "InvoiceDate"}},
//		Zone:  zone,
//		Clock: load.SystemClock(),
//	}, progress)
//
// An error that errors.As finds to be a *UsageError is the caller's (exit code 2), any
// other is the run's (1). Without an error Summary.Rejected > 0 asks for 3.
//
// # Two passes
//
// Every file is read twice. The first pass decides the types, computes the SHA-256 of the
// decompressed content, and finds what is wrong with the file as a whole: a damaged
// or truncated archive, a quote that is never closed, a column nobody has. Nothing is
// sent before it is through with all files. What is not a regular file (stdin, a pipe) is first
// spooled to a temporary file as it comes in, so that the same rules hold for it; the
// room there bounds what it may bring. Memory is bounded whatever the input: a
// record has at most 1 MiB, a file 4096 columns, an archive of zstd a window of 64 MiB, and a few batches are on
// their way at a time. A longer line is a rejected row, unless it does not end within 1 GiB.
//
// # Cells and types
//
// Cells are never trimmed. An empty CSV cell and a JSON null are absent. A column has one type, in all files of
// a run. CIDs, event names, event ids and tags are strings, verbatim. Any
// other column is bool when all its cells are true or false, number when all are numbers, and
// string otherwise. A number is what JSON writes as one, or `.5`; so `007`, `+44123` and `1_000`
// are text. A number beyond 18 digits before the point is text too; more than 18 digits
// behind the point are rounded when the number has no more than 17 in all, and text otherwise. Dates
// and times stay strings unless the column is mapped to time or expires, or typed time. A
// column with a JSON array of strings is list, and its other cells are lists of one.
//
// Job.Types settles the type instead: string, number, bool, time or list. A cell that does not
// fit makes a rejected row. A number is then also `+5` or `007`. A bool is then also 1 and 0, yes and no, t and f, y and
// n, and case does not matter. A list in CSV is a JSON array of strings, or
// items with | between them.
//
// # Times
//
// RFC 3339, with T or a blank; 2006-01-02 and 2006-01-02 15:04:05, also with T or
// fractions, read in Job.Zone; numbers with Job.TimeUnit. Digits behind the millisecond
// are dropped. With Job.TimeFormat only that format is read: strftime when it has a %, otherwise
// a layout of Go's time package. A local time that the zone's clocks show twice is
// the first of the two, one that they skip is as late after the change as if they
// had not been changed: both count with the offset in force before the change.
//
// An offset in an event's time, such as +02:00, is also what the CID's clock was ahead of UTC there, unless a column says so, when the
// times of all files of a run have more than one: +00:00 is one, Z is none, as machines everywhere write it. One and the same offset on every time is
// taken for the machine's. Job.Offsets says otherwise, and Summary.Offsets what was found. The first pass decides, by the files alone; so the same files
// are taken alike whenever a load goes on.
//
// # Rows left out and rows rejected
//
// Job.Where takes the condition behind `where` of an expression, on columns under their names in
// the file and on the results of Job.Set. Rows it does not hold for are skipped; a date is
// compared with the day of a time in Job.Zone. It is asked first, so `CustomerID exists`
// skips the rows without a CID, which otherwise would be rejected. Job.Set computes
// with exact decimals, rounding half away from zero once, at the end; a missing operand and a
// division by zero give no value, an operand that is not a number rejects the row.
//
// Rejected rows go to Job.RejectsPath with row, line, reason and cells. The path is opened before
// anything is sent, and the file removed in the end if no row was rejected. What the loader rejects of a
// batch is in the file before the batch is sent, what the server rejects right after its answer. The file begins
// anew, unless an earlier run had loaded some of the files in part or whole: then rows that
// this run will meet again are taken out, and its rejected rows added.
//
// # Resuming
//
// The load id of a file is a hash of its decompressed content and of the flags that shape its rows, not of
// its name and not of the types that were found. The server takes the rows of a load in
// order, each once; so an interrupted run continues where it was, a batch whose answer
// was lost is not repeated, and a finished file is not loaded again.
package load
