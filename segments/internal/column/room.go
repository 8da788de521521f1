package column

import (
	"encoding/binary"

	"whowhen.dev/whowhen/segments/internal/memory"
)

// room is one piece of memory that is handed out in parts, each aligned to 8 bytes, and to 64 as long as the parts
// before it are multiples of that.
type room struct{ left []byte }

// leastRoomBytes is asked for by what has no bulk beside its header, so that all content has its piece of memory.
const leastRoomBytes = 8

func newRoom(alloc memory.Alloc, bytes int) (room, error) {
	piece, err := alloc(max(bytes, leastRoomBytes))
	return room{piece}, err
}

// partBytes returns how much of a room a part takes.
func partBytes(n int) int { return (n + 7) &^ 7 }

// bytes hands out n bytes whose contents are arbitrary.
func (r *room) bytes(n int) []byte {
	if n == 0 {
		return nil
	}
	part := r.left[:n:n]
	r.left = r.left[partBytes(n):]
	return part
}

func (r *room) copyBytes(from []byte) []byte {
	to := r.bytes(len(from))
	copy(to, from)
	return to
}

func (r *room) copy16(from []uint16) []uint16 {
	to := memory.Uint16s(r.bytes(2 * len(from)))
	copy(to, from)
	return to
}

func (r *room) copy32(from []uint32) []uint32 {
	to := memory.Uint32s(r.bytes(4 * len(from)))
	copy(to, from)
	return to
}

func (r *room) copy64(from []uint64) []uint64 {
	to := memory.Uint64s(r.bytes(8 * len(from)))
	copy(to, from)
	return to
}

func (r *room) decode16(from []byte) []uint16 {
	to := memory.Uint16s(r.bytes(len(from)))
	for i := range to {
		to[i] = binary.LittleEndian.Uint16(from[:2])
		from = from[2:]
	}
	return to
}

func (r *room) decode64(from []byte) []uint64 {
	to := memory.Uint64s(r.bytes(len(from)))
	for i := range to {
		to[i] = binary.LittleEndian.Uint64(from[:8])
		from = from[8:]
	}
	return to
}

func append16(buf []byte, words []uint16) []byte {
	for _, w := range words {
		buf = binary.LittleEndian.AppendUint16(buf, w)
	}
	return buf
}

func append64(buf []byte, words []uint64) []byte {
	for _, w := range words {
		buf = binary.LittleEndian.AppendUint64(buf, w)
	}
	return buf
}
