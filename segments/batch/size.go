package batch

import (
	"encoding/binary"

	"whowhen.dev/whowhen/segments/value"
)

// EncodedBound returns a size that the encoding does not exceed.
func (b *Batch) EncodedBound() int {
	const varint = binary.MaxVarintLen64
	n := len(b.ID) + 256
	if b.Load != nil {
		n += len(b.Load.ID)
	}
	cids := func(c *CIDs) {
		n += len(c.Packed) + 16
		for _, s := range c.Strings {
			n += len(s) + 3
		}
	}
	columns := func(list []Column) {
		for i := range list {
			c := &list[i]
			n += len(c.Name) + 64 + len(c.Scales) + 2*len(c.Kinds) // kinds in runs of one, at worst
			for row, k := range c.Kinds {
				if k != value.Absent && k != Unset {
					n += varintBytes(c.Data[row])
				}
			}
			for _, s := range c.Strings {
				n += len(s) + 3
			}
			for _, l := range c.Lists {
				n += 3
				for _, s := range l {
					n += len(s) + 3
				}
			}
		}
	}
	for _, r := range b.Retentions {
		n += len(r.Name) + 16
	}
	n += b.scoresBound()
	for i := range b.Events {
		e := &b.Events[i]
		cids(&e.CIDs)
		columns(e.Props)
		n += len(e.Name) + 64 + varint*len(e.TimesMillis) + 3*len(e.Offsets)
		for _, id := range e.IDs {
			n += len(id) + 3
		}
	}
	for i := range b.Tags {
		cids(&b.Tags[i].CIDs)
		n += len(b.Tags[i].Name) + 64 + len(b.Tags[i].Remove) + varint*(len(b.Tags[i].ExpiresMillis)+len(b.Tags[i].TimesMillis))
	}
	for i := range b.Profiles {
		cids(&b.Profiles[i].CIDs)
		columns(b.Profiles[i].Set)
		n += 64 + varint*len(b.Profiles[i].TimesMillis)
	}
	return n
}

func varintBytes(n int64) int {
	bytes := 1
	for u := uint64(n<<1) ^ uint64(n>>63); u >= 0x80; u >>= 7 {
		bytes++
	}
	return bytes
}
