// Package log is the durable log of an app: an append-only sequence of records
// in segment files, from which everything else is derived.
//
// A record is an opaque payload with a position: 1 for the first, then
// consecutive. Append returns when its records are on disk; nothing that is not
// is ever seen through Last or a Reader. A crash may leave an unfinished write
// at the end of the last segment, which Open cuts off and reports. Every other
// difference from what was written is refused with file and offset, never
// skipped and never repaired.
//
// What the log alone cannot tell from a crash, or from a shorter log, is a last
// segment that lost its end, or is gone, and oldest segments that are gone. So
// whoever keeps a position derived from the log compares it with First and Last.
//
// Files grow by what is written to them and are not allocated ahead, so that an
// unfinished write ends where the file ends. On a file system that after a
// power loss shows zeros inside a frame with all its bytes, Open refuses: it
// cannot tell that from damage to an acknowledged record.
package log

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	defaultSegmentBytes = 64 << 20
	// keptGroupBytes bounds the write buffer kept between two Appends.
	keptGroupBytes = 8 << 20
)

// Options configure a Log. The zero value is good.
type Options struct {
	// SegmentBytes is the size from which on a segment is closed and the next
	// one begun; 0 means 64 MiB. A segment exceeds it by less than one Append,
	// whose records are never split over files.
	SegmentBytes int64
	// First is the position that the first record of a new log gets, for one that goes on from a snapshot; 0 means 1. A log that is there keeps
	// its positions.
	First uint64
}

// Log is an open log. One goroutine appends; all other methods may be called
// from any goroutine at any time.
type Log struct {
	path         string
	segmentBytes int64
	fs           files
	table        *crc32.Table

	// writer serialises Append and Close, and guards what only they use.
	writer sync.Mutex
	dir    *os.File // locked, and flushed when a segment is made
	file   *os.File // the last segment
	chain  uint32   // checksum of the last frame, or of the file's header
	group  []byte
	failed error
	closed bool

	// state guards what is durable. Written under writer, too.
	state    sync.RWMutex
	segments []segment // ascending, never empty
	bytes    int64     // of all segments
}

// Open opens the log in dir, making dir and its parents if they are missing,
// and cuts off what a crash left unfinished. It reads the last segment whole
// and only the headers of the others, which a Reader checks as it goes.
//
// The error is a *CorruptError if the log is damaged; nothing has been changed
// then. A directory is open in one Log at a time, where the system can lock it.
func Open(dir string, o Options) (*Log, Recovery, error) {
	return open(dir, o, osFiles())
}

func open(path string, o Options, fs files) (*Log, Recovery, error) {
	if o.SegmentBytes < 0 {
		return nil, Recovery{}, fmt.Errorf("log: SegmentBytes is %d: give a size, or 0 for %d", o.SegmentBytes, defaultSegmentBytes)
	}
	l := &Log{path: path, segmentBytes: o.SegmentBytes, fs: fs, table: crc32.MakeTable(crc32.Castagnoli)}
	if l.segmentBytes == 0 {
		l.segmentBytes = defaultSegmentBytes
	}
	recovery, err := l.open(o.First)
	if err != nil {
		l.release()
		if c := new(CorruptError); errors.As(err, &c) {
			return nil, Recovery{}, err
		}
		return nil, Recovery{}, fmt.Errorf("log: open %s: %w", path, err)
	}
	return l, recovery, nil
}

func (l *Log) open(first uint64) (Recovery, error) {
	if err := l.fs.makeDir(l.path); err != nil {
		return Recovery{}, err
	}
	var err error
	if l.dir, err = os.Open(l.path); err != nil {
		return Recovery{}, err
	}
	if err := lockDir(l.dir); err != nil {
		return Recovery{}, err
	}
	in, err := inspect(l.path, l.table)
	if err != nil {
		return Recovery{}, err
	}
	cut := in.recovery
	if cut.File != "" && cut.Offset == 0 {
		// A crash before or after this: the next Open does it again, or finds it done.
		if err := l.fs.remove(cut.File); err != nil {
			return Recovery{}, err
		}
	}
	if len(in.segments) == 0 {
		if err := l.fs.syncParent(l.path); err != nil {
			return Recovery{}, err
		}
		if first <= 1 {
			return cut, l.begin(fileHeader{first: 1})
		}
		// As if a segment with one record less had been before it, and dropped.
		return cut, l.begin(fileHeader{first: first, prevFirst: first - 1, prevBytes: fileHeaderBytes})
	}
	l.segments, l.chain = in.segments, in.chain
	for _, seg := range l.segments {
		l.bytes += seg.bytes
	}
	last := l.segments[len(l.segments)-1]
	if l.file, err = os.OpenFile(last.path, os.O_RDWR, filePerm); err != nil {
		return Recovery{}, err
	}
	if cut.Offset > 0 {
		if err := l.fs.truncate(l.file, cut.Offset); err != nil {
			return Recovery{}, err
		}
	}
	// The frames and names just read may have come from the cache of the
	// system, left there by a process that was killed before its fsync. They
	// count as durable from here on.
	if err := l.fs.sync(l.file); err != nil {
		return Recovery{}, err
	}
	return cut, l.fs.syncDir(l.dir)
}

// begin makes the segment with header h and appends to it from now on.
//
// A crash at any point leaves no file, or one with no or half a header, which
// Open removes, or a good one without records. No record is written to it
// before its header and its name are durable.
func (l *Log) begin(h fileHeader) error {
	path := filepath.Join(l.path, segmentName(h.first))
	head := h.encode(l.table)
	h, err := decodeFileHeader(head, l.table)
	if err != nil {
		return err
	}
	f, err := l.fs.create(path)
	if err != nil {
		return err
	}
	err = l.fs.writeAt(f, head, 0)
	if err == nil {
		err = l.fs.sync(f)
	}
	if err == nil {
		err = l.fs.syncDir(l.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if l.file != nil {
		// All of it is durable, so there is nothing a failed close could lose.
		_ = l.file.Close()
	}
	l.file, l.chain = f, h.sum
	l.state.Lock()
	defer l.state.Unlock()
	l.segments = append(l.segments, segment{path: path, head: h, last: h.first - 1, bytes: fileHeaderBytes})
	l.bytes += fileHeaderBytes
	return nil
}

// Append adds one record for each payload, in order, with one write and one
// fsync for all, and returns the position of the last. When it returns without
// an error all of them are durable. Without payloads it returns Last.
//
// A payload above MaxPayloadBytes is refused and leaves the log as it was. After
// Close the error wraps os.ErrClosed. Any other error wraps ErrFailed: none of
// the records is visible, and all later Appends fail. The payloads are not kept.
func (l *Log) Append(payloads ...[]byte) (last uint64, err error) {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return 0, fmt.Errorf("log: append to %s: %w", l.path, os.ErrClosed)
	}
	if l.failed != nil {
		return 0, l.failed
	}
	for i, p := range payloads {
		if len(p) > MaxPayloadBytes {
			return 0, fmt.Errorf("log: record %d of the group has %d bytes, the most is %d: split it", i, len(p), MaxPayloadBytes)
		}
	}
	if len(payloads) == 0 {
		return l.Last(), nil
	}
	if err := l.appendGroup(payloads); err != nil {
		l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
		return 0, l.failed
	}
	return l.Last(), nil
}

func (l *Log) appendGroup(payloads [][]byte) error {
	seg := l.segments[len(l.segments)-1] // only this goroutine changes it
	if seg.bytes >= l.segmentBytes && seg.last >= seg.head.first {
		if err := l.roll(seg); err != nil {
			return err
		}
		seg = l.segments[len(l.segments)-1]
	}
	group, chain, last := l.group[:0], l.chain, seg.last
	for _, p := range payloads {
		last++
		group, chain = appendFrame(group, last, p, chain, l.table)
	}
	l.group = nil
	if cap(group) <= keptGroupBytes {
		l.group = group
	}
	err := l.fs.writeAt(l.file, group, seg.bytes)
	if err == nil {
		err = l.fs.sync(l.file)
	}
	if err != nil {
		// After a failed fsync the system may show frames that are not on
		// disk, and will not write them again: a process started now would
		// take them for durable. So take them back if possible. If not, this
		// log is as unusable as before.
		_ = l.fs.truncate(l.file, seg.bytes)
		return err
	}
	l.chain = chain
	l.state.Lock()
	defer l.state.Unlock()
	s := &l.segments[len(l.segments)-1]
	s.last, s.bytes = last, s.bytes+int64(len(group))
	l.bytes += int64(len(group))
	return nil
}

// Roll ends the last segment, if it has records, so that Drop can remove it once they are not needed any more. An error
// wraps ErrFailed, like one of Append, or os.ErrClosed.
func (l *Log) Roll() error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return fmt.Errorf("log: roll %s: %w", l.path, os.ErrClosed)
	}
	if l.failed != nil {
		return l.failed
	}
	if seg := l.segments[len(l.segments)-1]; seg.last >= seg.head.first {
		if err := l.roll(seg); err != nil {
			l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
			return l.failed
		}
	}
	return nil
}

func (l *Log) roll(seg segment) error {
	return l.begin(fileHeader{first: seg.last + 1, prevFirst: seg.head.first, prevBytes: seg.bytes, chain: l.chain})
}

// Drop removes the segments that hold only records before a position, oldest
// first, so that First may grow. The last segment always stays. Readers that
// are inside a removed segment can read on where the system keeps open files.
//
// A crash leaves fewer of the oldest segments, which is a good log. After an
// error the log is as usable as before.
func (l *Log) Drop(before uint64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return fmt.Errorf("log: drop from %s: %w", l.path, os.ErrClosed)
	}
	dropped := false
	for len(l.segments) > 1 && l.segments[0].last < before {
		if err := l.fs.remove(l.segments[0].path); err != nil {
			return fmt.Errorf("log: drop: %w", err)
		}
		dropped = true
		l.state.Lock()
		l.bytes -= l.segments[0].bytes
		l.segments = slices.Delete(l.segments, 0, 1)
		l.state.Unlock()
	}
	if !dropped {
		return nil
	}
	return l.fs.syncDir(l.dir)
}

// Close ends writing and frees the directory. All acknowledged records are on
// disk already. Readers stay usable and are closed on their own. Closing again
// does nothing.
func (l *Log) Close() error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return l.release()
}

func (l *Log) release() error {
	var errs []error
	for _, f := range []*os.File{l.file, l.dir} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
