package bench

import "math"

// Kinds of random streams. They are part of what a seed means.
const (
	kindCID uint64 = iota + 1
	kindTag
	kindEvent
	kindRow
	kindPresent
	kindValue
)

// stream is a fast random generator (splitmix64). Its state is a counter, so that the stream of anything can begin
// anywhere. The zero stream is one of them.
type stream struct{ state uint64 }

// golden is 2^64 divided by the golden ratio, made odd.
const golden = 0x9e3779b97f4a7c15

// streamOf returns the stream of one block of one thing.
func (d Dataset) streamOf(kind uint64, id, day, block int) *stream {
	s := mix(d.Seed + kind*golden)
	s = mix(s ^ uint64(id))
	s = mix(s ^ uint64(day)<<32 ^ uint64(block))
	return &stream{s}
}

// mix is a bijection of 64-bit numbers that spreads every bit.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *stream) next() uint64 {
	s.state += golden
	return mix(s.state)
}

// unit returns a number in (0, 1].
func (s *stream) unit() float64 { return float64(s.next()>>11+1) / (1 << 53) }

// fill sets each bit with a probability, whose 32 binary digits are compared with as many random ones, 64 bits at
// a time, until all are decided: seven steps or so a word.
func (s *stream) fill(words *[BlockWords]uint64, probability float64) {
	if probability >= 1 {
		for i := range words {
			words[i] = math.MaxUint64
		}
		return
	}
	digits := uint32(math.Round(probability * (1 << 32)))
	for i := range words {
		set, open := uint64(0), uint64(math.MaxUint64)
		for at := digits; at != 0 && open != 0; at <<= 1 {
			random := s.next()
			if at>>31 == 1 {
				set |= open &^ random // less than the digit: below the probability
				open &= random
			} else {
				open &^= random
			}
		}
		words[i] = set
	}
}

// runs sets runs of bits, of a mean length and such that a share of all is set.
func (s *stream) runs(words *[BlockWords]uint64, share, meanLength float64) {
	clear(words[:])
	length := func(mean float64) int { return 1 + int(-math.Log(s.unit())*(mean-1)) }
	inside := s.unit() <= share
	for at := 0; at < BlockOrdinals; inside = !inside {
		if !inside {
			at += length(meanLength * (1 - share) / share)
			continue
		}
		to := min(BlockOrdinals, at+length(meanLength))
		setRange(words, at, to)
		at = to
	}
}

func setRange(words *[BlockWords]uint64, from, to int) {
	for from < to {
		n := min(to-from, 64-from&63)
		words[from>>6] |= (math.MaxUint64 >> (64 - n)) << (from & 63)
		from += n
	}
}
