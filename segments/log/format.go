package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// On disk, all numbers little-endian, all checksums CRC-32C:
//
//	segment file  NNNNNNNNNNNNNNNNNNNN.log, named by the position of its first record
//	  file header  magic [8] | version u32 | chain u32 | first u64 | previous first u64 | previous bytes i64 | checksum u32
//	  frame*       magic u32 | length u32 | position u64 | header checksum u32 | payload [length] | checksum u32
//
// The header checksum of a frame continues the checksum of the frame before it
// (of the file header, for the first frame) over the first 16 bytes; the
// frame's checksum continues the header checksum's value over the payload. The
// stored header checksum itself is left out of that chain: a CRC run over data
// followed by its own CRC is a constant, and would forget everything before it.
//
// chain in a file header is the checksum of the last frame of the previous
// segment, so the chain crosses files; previous first and previous bytes name
// that segment and its final size, so a missing, foreign or shortened earlier
// segment is found from headers alone.
const (
	fileMagic        = "whowlog\n"
	formatVersion    = 1
	fileHeaderBytes  = 44
	frameMagic       = 0x4d524657 // "WFRM"
	frameHeaderBytes = 20
	frameSumBytes    = 4
	nameDigits       = 20
	nameSuffix       = ".log"
)

// MaxPayloadBytes is the size of the largest record Append takes.
const MaxPayloadBytes = 64 << 20

// fileHeader is the decoded head of a segment file.
type fileHeader struct {
	first     uint64 // position of the first record of this segment
	prevFirst uint64 // the same of the segment before it; 0 for the first segment of a log
	prevBytes int64  // final size of the segment before it
	chain     uint32 // checksum of the last frame of the segment before it
	sum       uint32 // this header's own checksum, where the chain of its frames starts
}

var errHeaderSum = errors.New("the file header does not match its checksum")

func (h fileHeader) encode(table *crc32.Table) []byte {
	b := make([]byte, 0, fileHeaderBytes)
	b = append(b, fileMagic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, h.chain)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	b = binary.LittleEndian.AppendUint64(b, h.prevFirst)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.prevBytes))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, table))
}

// decodeFileHeader reads the fileHeaderBytes of b. A version other than ours
// is an *versionError; any other error means damage.
func decodeFileHeader(b []byte, table *crc32.Table) (fileHeader, error) {
	const body = fileHeaderBytes - 4
	h := fileHeader{
		chain:     binary.LittleEndian.Uint32(b[12:]),
		first:     binary.LittleEndian.Uint64(b[16:]),
		prevFirst: binary.LittleEndian.Uint64(b[24:]),
		prevBytes: int64(binary.LittleEndian.Uint64(b[32:])),
		sum:       binary.LittleEndian.Uint32(b[body:]),
	}
	if string(b[:8]) != fileMagic {
		return h, errors.New("the file does not begin as a log segment does")
	}
	if crc32.Checksum(b[:body], table) != h.sum {
		return h, errHeaderSum
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return h, &versionError{v}
	}
	if h.first == 1 && (h.prevFirst != 0 || h.prevBytes != 0 || h.chain != 0) ||
		h.first != 1 && (h.prevFirst == 0 || h.prevFirst >= h.first || h.prevBytes < fileHeaderBytes) {
		return h, errors.New("the file header contradicts itself")
	}
	return h, nil
}

type versionError struct{ version uint32 }

func (e *versionError) Error() string {
	return fmt.Sprintf("log segment format %d, this program reads format %d: use the program that wrote it", e.version, formatVersion)
}

// appendFrame appends the frame of one record to b and returns the checksum
// the next frame continues.
func appendFrame(b []byte, position uint64, payload []byte, chain uint32, table *crc32.Table) ([]byte, uint32) {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, frameMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint64(b, position)
	head := crc32.Update(chain, table, b[start:])
	b = binary.LittleEndian.AppendUint32(b, head)
	b = append(b, payload...)
	sum := crc32.Update(head, table, payload)
	return binary.LittleEndian.AppendUint32(b, sum), sum
}

func frameBytes(payloadBytes int) int64 {
	return int64(frameHeaderBytes) + int64(payloadBytes) + frameSumBytes
}

func segmentName(first uint64) string {
	return fmt.Sprintf("%0*d%s", nameDigits, first, nameSuffix)
}

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (first uint64, ok bool) {
	digits, found := strings.CutSuffix(name, nameSuffix)
	if !found || len(digits) != nameDigits {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil && first > 0 && segmentName(first) == name
}
