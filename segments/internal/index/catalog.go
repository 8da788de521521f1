package index

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/internal/civil"
)

var errCatalog = errors.New("damaged catalog")

// appendCatalog appends the list of a shard's fragments. Those that are not stored yet count as
// stored by this generation.
func (s *shard) appendCatalog(buf []byte, generation uint64) []byte {
	s.each(func(f anyFrag) {
		key, stored := f.id(), f.stored()
		if stored == 0 {
			stored = generation
		}
		count, span := f.meta()
		buf = append(buf, byte(key.kind))
		buf = binary.AppendUvarint(buf, uint64(key.field))
		buf = binary.AppendVarint(buf, int64(key.day))
		buf = binary.AppendUvarint(buf, uint64(key.part))
		buf = binary.AppendUvarint(buf, stored)
		buf = binary.AppendUvarint(buf, uint64(count))
		buf = binary.AppendVarint(buf, span[0])
		buf = binary.AppendVarint(buf, span[1])
		if in := f.blocks(); in != nil {
			for _, n := range in {
				buf = binary.AppendUvarint(buf, uint64(n))
			}
		}
	})
	return buf
}

// entry is a line of a catalog.
type entry struct {
	key       fragKey
	stored    uint64
	count     uint32
	low, high int64
	inBlock   *bitmap.Counts
}

func (e *entry) row() *rowFrag       { return restored(e, &rowFrag{}) }
func (e *entry) column() *columnFrag { return restored(e, &columnFrag{}) }
func (e *entry) chunk() *chunkFrag   { return restored(e, &chunkFrag{}) }

func restored[T payload[T]](e *entry, f *frag[T]) *frag[T] {
	f.key, f.count, f.low, f.high, f.inBlock = e.key, e.count, e.low, e.high, e.inBlock
	f.generation.Store(e.stored)
	return f
}

// decodeCatalog rebuilds a shard, with nothing in memory, from its catalog.
func decodeCatalog(data []byte, shardID uint32, cache *Cache) (*shard, error) {
	s := &shard{}
	for len(data) > 0 {
		e, rest, err := decodeEntry(data, shardID)
		if err != nil {
			return nil, err
		}
		data = rest
		if err := s.restore(e, cache); err != nil {
			return nil, err
		}
	}
	for _, days := range s.events {
		for i, d := range days {
			if d.presence == nil || len(d.chunks) == 0 || slices.Contains(d.planes, nil) || i > 0 && days[i-1].Day >= d.Day {
				return nil, errCatalog
			}
			slices.SortFunc(d.chunks, func(a, b *chunkFrag) int { return cmp.Compare(a.key.part, b.key.part) })
		}
	}
	return s, nil
}

func decodeEntry(data []byte, shardID uint32) (e *entry, rest []byte, err error) {
	e = &entry{key: fragKey{shard: shardID, kind: kind(data[0])}}
	data = data[1:]
	uint := func(limit uint64) uint64 {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > limit {
			err = errCatalog
			return 0
		}
		data = data[size:]
		return n
	}
	int := func() int64 {
		n, size := binary.Varint(data)
		if size <= 0 {
			err = errCatalog
			return 0
		}
		data = data[size:]
		return n
	}
	e.key.field = uint32(uint(maxField))
	day := int()
	if day < -1 || day > math.MaxUint16 {
		err = errCatalog
	}
	e.key.day = int32(day)
	e.key.part = uint32(uint(math.MaxUint32))
	e.stored = uint(math.MaxUint64)
	e.count = uint32(uint(math.MaxUint32))
	e.low, e.high = int(), int()
	if e.key.kind == kindTag || e.key.kind == kindPresence || e.key.kind == kindPlane {
		e.inBlock = new(bitmap.Counts)
		left := e.count
		for k := range e.inBlock {
			e.inBlock[k] = int32(uint(min(bitmap.BlockOrdinals, uint64(left))))
			left -= uint32(e.inBlock[k])
		}
		if left != 0 {
			err = errCatalog
		}
	}
	if e.stored == 0 {
		err = errCatalog
	}
	return e, data, err
}

// maxField bounds the numbers of fields in a catalog.
const maxField = 1 << 24

// restore puts one fragment in its place.
func (s *shard) restore(e *entry, cache *Cache) error {
	k := e.key
	if k.part >= bitmap.ShardBlocks && (k.kind == kindHeard || k.kind == kindExpiry || k.kind == kindAttribute || k.kind == kindScore) || k.kind == kindPlane && k.part >= 32 {
		return errCatalog
	}
	switch k.kind {
	case kindHeard:
		s.heard[k.part] = e.column()
	case kindTag:
		s.tag(k.field).row = e.row()
	case kindExpiry:
		s.tag(k.field).expiry[k.part] = e.column()
	case kindAttribute:
		a := at(s.attributes, k.field)
		if a == nil {
			a = new(blocks)
			s.attributes = put(s.attributes, k.field, a)
		}
		a[k.part] = e.column()
	case kindScore:
		return s.restoreScore(e)
	case kindPresence:
		days := append(at(s.events, k.field), &EventDay{Day: k.day, LowMillis: math.MaxInt64, HighMillis: math.MinInt64, presence: e.row(), cache: cache})
		s.events = put(s.events, k.field, days)
	case kindPlane, kindChunk:
		// A day's presence stands before its planes and chunks.
		days := at(s.events, k.field)
		if len(days) == 0 || days[len(days)-1].Day != k.day {
			return errCatalog
		}
		d := days[len(days)-1]
		if k.kind == kindPlane {
			d.planes = put(d.planes, k.part, e.row())
			return nil
		}
		d.chunks = append(d.chunks, e.chunk())
		d.nextPart = max(d.nextPart, k.part+1)
		d.LowMillis = min(d.LowMillis, civil.DayStart(k.day)+e.low)
		d.HighMillis = max(d.HighMillis, civil.DayStart(k.day)+e.high)
	default:
		return errCatalog
	}
	return nil
}

// tag returns the rows of a tag, made if there are none yet.
func (s *shard) tag(tag uint32) *tagRows {
	t := at(s.tags, tag)
	if t == nil {
		t = &tagRows{}
		s.tags = put(s.tags, tag, t)
	}
	return t
}
