package load

import "hash/maphash"

// dict numbers the distinct strings of a column of one batch, without an allocation
// for each. It can be used again after take.
type dict struct {
	seed  maphash.Seed
	text  []byte // of the strings, back to back
	ends  []uint32
	hash  []uint32 // by code
	slots []uint32 // code + 1 by hash, 0 where free; a power of two, at most half full
	last  uint32
}

func newDict() *dict {
	return &dict{seed: maphash.MakeSeed(), slots: make([]uint32, 64)}
}

func (d *dict) at(code uint32) []byte {
	from := uint32(0)
	if code > 0 {
		from = d.ends[code-1]
	}
	return d.text[from:d.ends[code]]
}

// code returns the number of text, giving it the next one if it is new.
func (d *dict) code(text []byte) uint32 {
	if len(d.ends) > 0 && string(d.at(d.last)) == string(text) {
		return d.last
	}
	hash := uint32(maphash.Bytes(d.seed, text))
	mask := uint32(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		entry := d.slots[i]
		if entry == 0 {
			return d.add(text, hash, i)
		}
		if code := entry - 1; d.hash[code] == hash && string(d.at(code)) == string(text) {
			d.last = code
			return code
		}
	}
}

func (d *dict) add(text []byte, hash, slot uint32) uint32 {
	d.last = uint32(len(d.ends))
	d.text = append(d.text, text...)
	d.ends = append(d.ends, uint32(len(d.text)))
	d.hash = append(d.hash, hash)
	d.slots[slot] = d.last + 1
	if 2*len(d.ends) > len(d.slots) {
		d.grow()
	}
	return d.last
}

func (d *dict) grow() {
	d.slots = make([]uint32, 2*len(d.slots))
	mask := uint32(len(d.slots) - 1)
	for code, hash := range d.hash {
		i := hash & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = uint32(code) + 1
	}
}

// take returns the strings by code and forgets them.
func (d *dict) take() []string {
	values := cut(string(d.text), d.ends)
	clear(d.slots)
	d.text, d.ends, d.hash, d.last = d.text[:0], d.ends[:0], d.hash[:0], 0
	return values
}

// maxFreeDictBytes bounds what is kept to be used again.
const maxFreeDictBytes = 16 << 20

// trimDicts lets go of free dictionaries that would keep too much.
func trimDicts(free []*dict) []*dict {
	kept, bytes := free[:0], 0
	for _, d := range free {
		size := cap(d.text) + 4*(cap(d.ends)+cap(d.hash)+len(d.slots))
		if bytes+size <= maxFreeDictBytes {
			kept, bytes = append(kept, d), bytes+size
		}
	}
	clear(free[len(kept):])
	return kept
}

// cut returns the parts of text that end where ends says.
func cut(text string, ends []uint32) []string {
	parts := make([]string, len(ends))
	from := uint32(0)
	for i, end := range ends {
		parts[i] = text[from:end]
		from = end
	}
	return parts
}
