// Package bench measures whowhen: seeded data of any size, the figures of the engine over it, and the same figures by
// the roaring library used well, so that every speed stands beside a result that must agree and a time to compare with.
package bench

import "whowhen.dev/whowhen/segments/internal/bitmap"

const (
	// BlockOrdinals is how many ordinals a block has.
	BlockOrdinals = bitmap.BlockOrdinals
	// BlockWords is how many words of 64 bits hold one bit for each ordinal of a block.
	BlockWords = BlockOrdinals / 64
	// Days is how many days of events there are.
	Days = 30
)

// Dataset describes seeded data: CIDs with ordinals 0 to CIDs-1, tags, attributes and events of 30 days. Every method
// is a pure function of it, safe for concurrent use, and makes any block alone, so that data of any size can be made
// in parallel and without being held.
type Dataset struct {
	CIDs int
	Seed uint64
	// LastDay is the newest of the 30 days: days since 1970-01-01, UTC.
	LastDay int32
}

// Tag describes a tag.
type Tag struct {
	Name    string
	Density float64 // share of CIDs that bear it
	// Clustered tags are borne by runs of neighbouring ordinals, as one that came with an import is.
	Clustered bool
}

// Event describes an event, which has the properties "category", a string, and "amount", a number with two decimals.
type Event struct {
	Name string
	Rate float64 // share of CIDs that do it on a day
	// Several says that a CID may do it several times a day.
	Several bool
}

// Number describes a numeric attribute of whole numbers in [0, 2^Bits).
type Number struct {
	Name    string
	Bits    int
	Missing float64 // share of CIDs without it
}

// Rows are events of one name, day and block by column: ascending by ordinal, then by time.
type Rows struct {
	Ordinals []uint32 // of the app; repeated where a CID did it several times
	Millis   []int64  // Unix time
	Category []uint8  // index in Categories
	Cents    []int64  // "amount" in hundredths
}

// Blocks returns the number of blocks; the last may be partly used.
func (d Dataset) Blocks() int { return (d.CIDs + BlockOrdinals - 1) / BlockOrdinals }

// Day returns the day with an index in 0..Days-1, the newest last: days since 1970-01-01, UTC.
func (d Dataset) Day(index int) int32 { return d.LastDay - (Days - 1) + int32(index) }

// HeardMillis returns the moment at which every CID was first heard of: a day before the first of the 30.
func (d Dataset) HeardMillis() int64 { return int64(d.Day(0)-1) * dayMillis }

// blockCIDs returns how many ordinals of a block are CIDs.
func (d Dataset) blockCIDs(block int) int {
	return max(0, min(BlockOrdinals, d.CIDs-block*BlockOrdinals))
}

// CID returns the CID of an ordinal, packed: 32 hexadecimal digits as 16 bytes. No two ordinals share one.
func (d Dataset) CID(ordinal uint32) (cid [16]byte) {
	// Each half is a bijection of the one before it, so distinct ordinals have distinct halves.
	low := mix(uint64(ordinal) + mix(d.Seed^kindCID))
	high := mix(low ^ mix(d.Seed+kindCID))
	for i := range 8 {
		cid[i], cid[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	return cid
}

// clip clears the bits of a block at and beyond CIDs.
func (d Dataset) clip(block int, words *[BlockWords]uint64) {
	n := d.blockCIDs(block)
	if n == BlockOrdinals {
		return
	}
	words[n>>6] &= 1<<(n&63) - 1
	clear(words[n>>6+1:])
}
