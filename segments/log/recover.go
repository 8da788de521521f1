package log

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Recovery says what Open cut off because a crash had left it unfinished. The
// zero value means nothing. Such bytes were never acknowledged if the disk keeps
// its word and nobody shortened the file; a caller that knows of a position above
// Last (from an index or a snapshot) must refuse to go on.
type Recovery struct {
	File   string
	Offset int64 // where the cut was made, in bytes; 0: the whole file was removed
	Bytes  int64 // how much was cut off; may be 0 for a removed file
	Reason string
}

// inspection is what the directory of a log holds, before anything is changed.
type inspection struct {
	segments []segment
	chain    uint32 // checksum of the last frame, or of the header if there is none
	recovery Recovery
}

// inspect checks the header of every segment, how they follow each other, and
// each frame of the last one. It changes nothing. The frames of earlier
// segments are checked when they are read.
func inspect(dir string, table *crc32.Table) (inspection, error) {
	var in inspection
	firsts, err := listSegments(dir)
	if err != nil {
		return in, err
	}
	for i, first := range firsts {
		seg := segment{path: filepath.Join(dir, segmentName(first))}
		torn, err := seg.load(first, table)
		if err != nil {
			return in, err
		}
		if torn != "" {
			if i < len(firsts)-1 || i == 0 && first != 1 {
				return in, &CorruptError{File: seg.path, Reason: torn}
			}
			in.recovery = Recovery{File: seg.path, Bytes: seg.bytes, Reason: torn}
			return in, in.scanLast(first, table)
		}
		if i > 0 {
			prev := &in.segments[i-1]
			if err := seg.follows(prev, dir); err != nil {
				return in, err
			}
			prev.last = first - 1
		}
		in.segments = append(in.segments, seg)
	}
	return in, in.scanLast(0, table)
}

// listSegments returns the first positions of the segments in dir, ascending.
func listSegments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir) // sorted by name, which for equal lengths is by number
	if err != nil {
		return nil, err
	}
	var firsts []uint64
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), nameSuffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		first, ok := parseSegmentName(e.Name())
		if !ok {
			return nil, fmt.Errorf("%s is not a segment of a log (those are named by %d digits and %s): move it elsewhere", path, nameDigits, nameSuffix)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file: move it elsewhere", path)
		}
		firsts = append(firsts, first)
	}
	return firsts, nil
}

// load reads the size and the header of seg. torn is why the header is no
// header, if that is how a crash while a segment is made leaves it: the header
// is made durable before the first frame is written, so a file that is longer
// was whole once.
func (seg *segment) load(first uint64, table *crc32.Table) (torn string, err error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	seg.bytes = info.Size()
	if seg.bytes < fileHeaderBytes {
		return "the file header is cut short by the end of the file", nil
	}
	head := make([]byte, fileHeaderBytes)
	if _, err := f.ReadAt(head, 0); err != nil {
		return "", err
	}
	seg.head, err = decodeFileHeader(head, table)
	if err != nil {
		if seg.bytes == fileHeaderBytes && strings.Trim(string(head), "\x00") == "" {
			return "the file header is all zeros", nil
		}
		if v := new(versionError); errors.As(err, &v) {
			return "", fmt.Errorf("%s: %w", seg.path, err)
		}
		return "", &CorruptError{File: seg.path, Reason: err.Error()}
	}
	if seg.head.first != first {
		return "", &CorruptError{File: seg.path, Reason: fmt.Sprintf("it begins with record %d by its header and with record %d by its name: a copied or renamed file", seg.head.first, first)}
	}
	return "", nil
}

// follows checks that the header of seg names prev as the segment before it.
func (seg *segment) follows(prev *segment, dir string) error {
	h := seg.head
	switch {
	case h.prevFirst > prev.head.first:
		return &CorruptError{File: filepath.Join(dir, segmentName(h.prevFirst)),
			Reason: fmt.Sprintf("the file is missing: %s continues it", seg.path)}
	case h.prevFirst < prev.head.first:
		return &CorruptError{File: prev.path,
			Reason: fmt.Sprintf("the file is not of this log: %s continues %s", seg.path, segmentName(h.prevFirst))}
	case h.prevBytes != prev.bytes:
		return &CorruptError{File: prev.path, Offset: min(prev.bytes, h.prevBytes),
			Reason: fmt.Sprintf("the file has %d bytes, it had %d when %s was begun", prev.bytes, h.prevBytes, seg.path)}
	}
	return nil
}

// scanLast walks the last segment to its end. unfinished is the name of the
// segment after it that a crash left without a header, or 0. The walked one
// was whole and durable before that was begun, so then it may not be torn.
func (in *inspection) scanLast(unfinished uint64, table *crc32.Table) error {
	if len(in.segments) == 0 {
		return nil
	}
	seg := &in.segments[len(in.segments)-1]
	f, err := os.Open(seg.path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := scanner{table: table}
	s.start(f, seg.head, seg.bytes)
	for err == nil {
		_, err = s.next()
	}
	seg.last, in.chain = s.position-1, s.chain
	d := new(damage)
	switch {
	case err == io.EOF:
	case !errors.As(err, &d):
		return err
	case !d.torn || unfinished != 0:
		return &CorruptError{File: seg.path, Offset: d.offset, Reason: d.reason}
	default:
		in.recovery = Recovery{File: seg.path, Offset: d.offset, Bytes: seg.bytes - d.offset, Reason: d.reason}
		seg.bytes = d.offset
	}
	if unfinished != 0 && unfinished != seg.last+1 {
		return &CorruptError{File: in.recovery.File,
			Reason: fmt.Sprintf("%s; and by its name it does not follow %s, which ends with record %d", in.recovery.Reason, seg.path, seg.last)}
	}
	return nil
}
