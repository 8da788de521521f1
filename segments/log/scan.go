package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// readChunkBytes is how much a scanner reads at a time. It is also the size of
// its buffer, until a record is larger.
const readChunkBytes = 256 << 10

// scanner walks the frames of one segment in order and checks all of them. It
// never reads at or past limit.
type scanner struct {
	file  io.ReaderAt
	table *crc32.Table
	limit int64 // size of the part of the file that may be read

	offset   int64  // of the next frame
	position uint64 // of the next record
	chain    uint32 // checksum the next frame continues

	buf       []byte // file content from bufOffset on
	bufOffset int64
}

// damage says that no whole frame begins at offset. torn: what is there is
// what a write cut off by a crash leaves at the end of a file.
type damage struct {
	offset int64
	torn   bool
	reason string
}

func (d *damage) Error() string { return fmt.Sprintf("byte %d: %s", d.offset, d.reason) }

// start aims the scanner at the first frame of a segment with header h.
func (s *scanner) start(file io.ReaderAt, h fileHeader, limit int64) {
	s.file, s.limit = file, limit
	s.offset, s.position, s.chain = fileHeaderBytes, h.first, h.sum
	s.buf, s.bufOffset = s.buf[:0], fileHeaderBytes
}

// next returns the payload of the next frame, valid until the next call. It
// returns io.EOF when no byte is left, a *damage for anything that is not a
// whole good frame, and any other error for a failed read.
//
// Torn is: fewer bytes than a frame header; a good header whose frame would
// pass the end of the file; only zeros from the frame's start to the end of the
// file. The header checksum is what makes the second safe: a damaged length
// cannot pass for a short frame. A frame that has all its bytes, of which some
// are wrong, is never torn, even where the wrong ones are zeros at the end: it
// may have been acknowledged.
func (s *scanner) next() ([]byte, error) {
	left := s.limit - s.offset
	if left == 0 {
		return nil, io.EOF
	}
	if left < frameHeaderBytes {
		return nil, s.damaged(true, "the header of record %d is cut short by the end of the file", s.position)
	}
	head, err := s.window(frameHeaderBytes)
	if err != nil {
		return nil, err
	}
	headSum := crc32.Update(s.chain, s.table, head[:16])
	if binary.LittleEndian.Uint32(head) != frameMagic || binary.LittleEndian.Uint32(head[16:]) != headSum {
		zeros, err := s.onlyZerosLeft()
		if err != nil {
			return nil, err
		}
		if zeros {
			return nil, s.damaged(true, "only zeros where record %d should begin, to the end of the file", s.position)
		}
		return nil, s.damaged(false, "the header of record %d does not match its checksum", s.position)
	}
	length := int64(binary.LittleEndian.Uint32(head[4:]))
	if got := binary.LittleEndian.Uint64(head[8:]); got != s.position {
		return nil, s.damaged(false, "record %d stands where record %d should", got, s.position)
	}
	if length > MaxPayloadBytes {
		return nil, s.damaged(false, "record %d claims %d bytes, more than the %d allowed", s.position, length, MaxPayloadBytes)
	}
	total := frameBytes(int(length))
	if total > left {
		return nil, s.damaged(true, "record %d is cut short by the end of the file", s.position)
	}
	frame, err := s.window(int(total))
	if err != nil {
		return nil, err
	}
	payload := frame[frameHeaderBytes : frameHeaderBytes+length]
	sum := crc32.Update(headSum, s.table, payload)
	if binary.LittleEndian.Uint32(frame[frameHeaderBytes+length:]) != sum {
		return nil, s.damaged(false, "record %d does not match its checksum", s.position)
	}
	s.offset += total
	s.position++
	s.chain = sum
	return payload, nil
}

func (s *scanner) damaged(torn bool, format string, args ...any) error {
	return &damage{offset: s.offset, torn: torn, reason: fmt.Sprintf(format, args...)}
}

// window returns the n bytes at offset, of which the caller has checked that
// they lie below limit: so no buffer is ever larger than the file.
func (s *scanner) window(n int) ([]byte, error) {
	skip := int(s.offset - s.bufOffset)
	if skip+n <= len(s.buf) {
		return s.buf[skip : skip+n], nil
	}
	var kept []byte
	if skip < len(s.buf) {
		kept = s.buf[skip:]
	}
	want := int(min(int64(max(n, readChunkBytes)), s.limit-s.offset))
	if cap(s.buf) < want {
		s.buf = append(make([]byte, 0, want), kept...)
	} else {
		s.buf = append(s.buf[:0], kept...)
	}
	s.bufOffset = s.offset
	have := len(s.buf)
	got, err := s.file.ReadAt(s.buf[have:want], s.offset+int64(have))
	s.buf = s.buf[:have+got]
	switch {
	case len(s.buf) >= n:
		return s.buf[:n], nil
	case err == nil || errors.Is(err, io.EOF):
		return nil, s.damaged(false, "the file ends at byte %d, it had %d", s.offset+int64(len(s.buf)), s.limit)
	default:
		return nil, err
	}
}

// onlyZerosLeft reports whether every byte from offset to limit is zero.
func (s *scanner) onlyZerosLeft() (bool, error) {
	return onlyZeros(io.NewSectionReader(s.file, s.offset, s.limit-s.offset))
}

func onlyZeros(r io.Reader) (bool, error) {
	chunk := make([]byte, 32<<10)
	for {
		n, err := r.Read(chunk)
		for _, b := range chunk[:n] {
			if b != 0 {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
