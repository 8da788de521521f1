package eval

import (
	"encoding/binary"
	"math"
	"math/bits"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// sample takes a CID when a hash of salt and CID, seen as a fraction of its range, lies
// below the share.
type sample struct {
	seed  uint64
	limit uint64 // hashes below are in
	all   bool
}

func newSample(e *Env, n expr.Sample) *sample {
	s := &sample{seed: mixText(0, n.Salt)}
	// percent/100 of 2^64, exactly: coef * 2^64 / (100 * 10^scale).
	hundred := value.Pow10(int(n.Percent.Scale))
	whole, ok := uint64(n.Percent.Coef), n.Percent.Scale <= 16
	if !ok {
		whole, hundred = whole/100, hundred/100
	}
	if whole >= 100*hundred {
		s.all = true
	} else {
		s.limit, _ = bits.Div64(whole, 0, 100*hundred)
	}
	return s
}

func (s *sample) eval(r *run, candidates, out *bitmap.Words) error {
	if s.all {
		*out = *candidates
		return nil
	}
	out.Clear()
	var members []uint32
	first := uint32(r.shard*bitmap.ShardOrdinals + r.block*bitmap.BlockOrdinals)
	candidates.Each(func(x uint16) bool { members = append(members, first+uint32(x)); return true })
	var cids batch.CIDs
	r.env.CIDs.Read(&cids, members)
	for i, ordinal := range members {
		if s.hash(&cids, i) < s.limit {
			out.Set(uint16(ordinal))
		}
	}
	return nil
}

func (*sample) cost() int { return 400 }

// hash returns the CID's place in the sample, the same for a CID whichever way it is kept.
func (s *sample) hash(cids *batch.CIDs, row int) uint64 {
	if len(cids.Strings) == 0 {
		return mixPacked(s.seed, (*[batch.PackedBytes]byte)(cids.Packed[row*batch.PackedBytes:]))
	}
	var packed [batch.PackedBytes]byte
	if cid := cids.Strings[row]; !batch.Pack(&packed, cid) {
		return mixText(s.seed, cid)
	}
	return mixPacked(s.seed, &packed)
}

// share returns where the CID falls in the sample, from 0 to 100.
func (s *sample) share(cid string) float64 {
	return float64(s.hash(&batch.CIDs{Strings: []string{cid}}, 0)) / math.MaxUint64 * 100
}

func mixPacked(seed uint64, packed *[batch.PackedBytes]byte) uint64 {
	return mix(mix(seed, binary.LittleEndian.Uint64(packed[:8])), binary.LittleEndian.Uint64(packed[8:]))
}

func mixText(seed uint64, s string) uint64 {
	h := mix(seed, uint64(len(s)))
	for len(s) > 0 {
		var word [8]byte
		n := copy(word[:], s)
		s = s[n:]
		h = mix(h, binary.LittleEndian.Uint64(word[:]))
	}
	return h
}

// mix stirs a word into a hash: the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014) over their sum. Samples depend on it: it must not change.
func mix(h, word uint64) uint64 {
	h += word + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
