package log

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Reader iterates over the durable records of a Log, in order. It is used by
// one goroutine at a time; any number of Readers may run beside Append.
type Reader struct {
	log  *Log
	from uint64 // position of the next record to return
	err  error  // the end of this Reader, once it has failed or was closed

	seg  segment // as of the last look at the log
	file *os.File
	scan scanner
}

// Read returns a Reader of the records from position from on, which may lie in
// the future. It reads nothing yet. Records in the same segment before from are
// read and checked on the way there.
func (l *Log) Read(from uint64) *Reader {
	return &Reader{log: l, from: from, scan: scanner{table: l.table}}
}

// Next returns the next record. The payload is valid until the next call.
//
// At the end of what is durable it returns io.EOF, and goes on from there when
// called again after more was appended. A damaged record is a *CorruptError. A
// position below First is an error. After any error but io.EOF the Reader stays
// failed.
func (r *Reader) Next() (pos uint64, payload []byte, err error) {
	for r.err == nil {
		if r.file == nil || r.scan.position > r.seg.last {
			if err := r.advance(); err == io.EOF {
				return 0, nil, io.EOF
			} else if err != nil {
				r.err = err
				break
			}
		}
		pos := r.scan.position
		payload, err := r.scan.next()
		if err != nil {
			r.err = r.explain(err)
			break
		}
		if pos >= r.from {
			r.from = pos + 1
			return pos, payload, nil
		}
	}
	return 0, nil, r.err
}

// advance makes the frame of the next record readable: by learning how far the
// segment at hand has grown, or by going to the one that holds it.
func (r *Reader) advance() error {
	want := r.from
	if r.file != nil {
		want = r.scan.position
	}
	if first := r.log.First(); want < first {
		return fmt.Errorf("log: record %d of %s is not kept: the first one is %d", want, r.log.path, first)
	}
	seg, ok := r.log.find(want)
	if !ok {
		return io.EOF
	}
	if r.file != nil && seg.head.first == r.seg.head.first {
		r.seg, r.scan.limit = seg, seg.bytes
		return nil
	}
	if r.file != nil {
		if r.scan.chain != seg.head.chain {
			return &CorruptError{File: seg.path,
				Reason: fmt.Sprintf("it does not continue %s, one of the two is not of this log", r.seg.path)}
		}
		file := r.file
		r.file = nil
		if err := file.Close(); err != nil {
			return fmt.Errorf("log: read %s: %w", r.seg.path, err)
		}
	}
	return r.enter(seg)
}

func (r *Reader) enter(seg segment) error {
	f, err := os.Open(seg.path)
	if err != nil {
		return fmt.Errorf("log: read: %w", err)
	}
	head := make([]byte, fileHeaderBytes)
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return errors.Join(fmt.Errorf("log: read: %w", err), f.Close())
	}
	if h, err := decodeFileHeader(head, r.log.table); err != nil || h != seg.head {
		return errors.Join(&CorruptError{File: seg.path, Reason: "the file header is not the one it had when the log was opened"}, f.Close())
	}
	r.seg, r.file = seg, f
	r.scan.start(f, seg.head, seg.bytes)
	return nil
}

func (r *Reader) explain(err error) error {
	if d := new(damage); errors.As(err, &d) {
		return &CorruptError{File: r.seg.path, Offset: d.offset, Reason: d.reason}
	}
	if err == io.EOF {
		return &CorruptError{File: r.seg.path, Offset: r.scan.offset, Reason: fmt.Sprintf("record %d is missing", r.scan.position)}
	}
	return fmt.Errorf("log: read %s: %w", r.seg.path, err)
}

// Close frees the Reader's file. Closing again does nothing.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("log: read %s: %w", r.log.path, os.ErrClosed)
	}
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}
