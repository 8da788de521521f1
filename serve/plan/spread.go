package plan

import "math/bits"

// hash is FNV-1a of 64 bits (Fowler, Noll, Vo): the same in every process, which the hash of the standard library's maps is not. Its weak high
// bits are what mix is for.
func hash(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}

// mix spreads every bit of x over all of the result, one to one: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below maps 64 well mixed bits to 0 to n-1, evenly.
func below(x uint64, n int64) int64 {
	high, _ := bits.Mul64(x, uint64(n))
	return int64(high)
}

// spread are the bits that say where in a window of a message a CID that has an ordinal is sent to.
func spread(key uint64, ordinal uint32) uint64 { return mix(uint64(ordinal) ^ key) }
