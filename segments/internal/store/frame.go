package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Every value handed to Badger is a frame:
//
//	version 1 | kind 1 | length 4 | crc 4 | payload
//
// The CRC32C covers kind, part number, length, key and payload, so a frame read from under another
// key, or as another part, is as bad as one with a flipped bit. The length of the key is
// implied: all else that is summed with it has its length in the frame. Integers are big-endian.
//
// A blob of at most inlineBytes is one entry of kind whole under 'b'+key. A longer one is a header
// there, and parts under 'p'+key+number. The header is apart from the first part so that
// listing the blobs reads neighbouring small entries, never the parts.
const (
	frameVersion   = 1
	frameHeadBytes = 10
	// A part has room for a row of 16 dense blocks with its header.
	partBytes   = 136 << 10
	inlineBytes = 4 << 10
)

type kind byte

const (
	kindWhole kind = iota + 1
	kindHeader
	kindPart
	kindManifest
)

const (
	slotBlob     = 'b'
	slotPart     = 'p'
	slotManifest = 'm'
	slotSwept    = 's' // a key that Compact drops
)

// manifestName is what the manifest's checksum covers in place of a key.
var manifestName = []byte("manifest")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func blobKey(key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), slotBlob), key...)
}

func partKey(key []byte, part uint32) []byte {
	k := append(append(make([]byte, 0, 5+len(key)), slotPart), key...)
	return binary.BigEndian.AppendUint32(k, part)
}

func frameSum(k kind, key []byte, part uint32, payload []byte) uint32 {
	var head [9]byte
	head[0] = byte(k)
	binary.BigEndian.PutUint32(head[1:], part)
	binary.BigEndian.PutUint32(head[5:], uint32(len(payload)))
	sum := crc32.Update(0, castagnoli, head[:])
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, payload)
}

// frame returns the framed payload and its sum.
func frame(k kind, key []byte, part uint32, payload []byte) ([]byte, uint32) {
	sum := frameSum(k, key, part, payload)
	f := make([]byte, frameHeadBytes, frameHeadBytes+len(payload))
	f[0], f[1] = frameVersion, byte(k)
	binary.BigEndian.PutUint32(f[2:], uint32(len(payload)))
	binary.BigEndian.PutUint32(f[6:], sum)
	return append(f, payload...), sum
}

// appendPayload appends a frame's payload to dst and checks the copy, not the frame, which may be
// memory that others may write to. It returns the frame's kind, the extended dst and the sum.
func appendPayload(dst, f, key []byte, part uint32) (kind, []byte, uint32, error) {
	k, payload, sum, err := openFrame(f)
	if err != nil {
		return 0, dst, 0, err
	}
	start := len(dst)
	dst = append(dst, payload...)
	if frameSum(k, key, part, dst[start:]) != sum {
		return 0, dst, 0, errSum(payload)
	}
	return k, dst, sum, nil
}

// checkFrame returns a frame's kind, its payload, which is part of the frame, and the sum, checked.
func checkFrame(f, key []byte, part uint32) (kind, []byte, uint32, error) {
	k, payload, sum, err := openFrame(f)
	if err == nil && frameSum(k, key, part, payload) != sum {
		err = errSum(payload)
	}
	return k, payload, sum, err
}

func errSum(payload []byte) error {
	return fmt.Errorf("frame of %d bytes does not match its checksum", len(payload))
}

// openFrame returns what a frame says, with the sum not checked.
func openFrame(f []byte) (k kind, payload []byte, sum uint32, err error) {
	if len(f) < frameHeadBytes {
		return 0, nil, 0, fmt.Errorf("frame of %d bytes is shorter than its head", len(f))
	}
	if f[0] != frameVersion {
		return 0, nil, 0, fmt.Errorf("frame version %d, expected %d", f[0], frameVersion)
	}
	k, length, sum := kind(f[1]), binary.BigEndian.Uint32(f[2:]), binary.BigEndian.Uint32(f[6:])
	if uint64(length) != uint64(len(f)-frameHeadBytes) {
		return 0, nil, 0, fmt.Errorf("frame says %d bytes, has %d", length, len(f)-frameHeadBytes)
	}
	return k, f[frameHeadBytes:], sum, nil
}

// header describes a blob kept in parts.
type header struct {
	total uint64
	parts uint32
	sums  uint32 // CRC32C of the parts' sums, in order
}

const headerBytes = 16

func (h header) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, headerBytes), h.total)
	b = binary.BigEndian.AppendUint32(b, h.parts)
	return binary.BigEndian.AppendUint32(b, h.sums)
}

func decodeHeader(b []byte) (header, error) {
	if len(b) != headerBytes {
		return header{}, fmt.Errorf("header of %d bytes, expected %d", len(b), headerBytes)
	}
	h := header{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])}
	if h.total <= inlineBytes || h.total > MaxBlobBytes || uint64(h.parts) != (h.total+partBytes-1)/partBytes {
		return header{}, fmt.Errorf("header says %d bytes in %d parts, which cannot be", h.total, h.parts)
	}
	return h, nil
}

// addSum folds the next part's sum into the header's.
func addSum(sums, sum uint32) uint32 {
	return crc32.Update(sums, castagnoli, binary.BigEndian.AppendUint32(nil, sum))
}
