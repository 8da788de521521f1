package dict

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"whowhen.dev/whowhen/segments/batch"
)

// A piece is how consecutive CIDs of one chunk are saved: how many they are, in 4 bytes; a byte that is 1 if some are
// opaque, else 0; if some are, a bit for each that says so; the keys back to back; the texts of those that do not fit into
// their key, which then says only how long they are.
const pieceHeadBytes = 4 + 1

// AppendPiece appends what saves the CIDs first..first+n-1, at least one, all known and of one chunk.
func (d *CIDs) AppendPiece(buf []byte, first, n int) []byte {
	opaque, some := d.opaque(first, n)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(n))
	if !some {
		return d.appendKeys(append(buf, 0), first, n)
	}
	buf = append(append(buf, 1), opaque...)
	keys := len(buf)
	buf = d.appendKeys(buf, first, n)
	d.inParts(n, func(from, to int) {
		for i := from; i < to; i++ {
			at := keys + i*batch.PackedBytes
			if k := (*key)(buf[at:]); has(opaque, i) && k[0] == longText {
				buf = append(buf, d.keys.text(k)...)
				clear(buf[at+2 : at+len(k)])
			}
		}
	})
	return buf
}

// inParts calls f with parts of n CIDs, under the mutex. What is there does not change, so that it need not be held for all
// of them.
func (d *CIDs) inParts(n int, f func(from, to int)) {
	for from := 0; from < n; from += readAtOnce {
		d.mu.RLock()
		f(from, min(from+readAtOnce, n))
		d.mu.RUnlock()
	}
}

// opaque returns a bit for each of some CIDs, and whether any of them is opaque.
func (d *CIDs) opaque(first, n int) (bits []byte, some bool) {
	bits = make([]byte, (n+7)/8)
	d.inParts(n, func(from, to int) {
		for i := from; i < to; i++ {
			if d.keys.isOpaque(uint32(first + i)) {
				bits[i/8] |= 1 << (i % 8)
				some = true
			}
		}
	})
	return bits, some
}

func (d *CIDs) appendKeys(buf []byte, first, n int) []byte {
	d.inParts(n, func(from, to int) {
		at := first%ChunkCIDs + from
		keys := d.keys.chunks[first/ChunkCIDs].keys[at*batch.PackedBytes:]
		buf = append(buf, keys[:(to-from)*batch.PackedBytes]...)
	})
	return buf
}

func has(bits []byte, i int) bool { return bits[i/8]>>(i%8)&1 != 0 }

// piece is a saved piece, checked. It lies in what was read.
type piece struct {
	n      int
	opaque []byte // nil when none is
	keys   []byte
	texts  []byte
}

// decodePiece checks a piece of n CIDs.
func decodePiece(data []byte, n int) (piece, error) {
	damaged := func(format string, args ...any) (piece, error) {
		return piece{}, fmt.Errorf("dict: damaged piece of CIDs: "+format, args...)
	}
	if len(data) < pieceHeadBytes {
		return damaged("%d bytes", len(data))
	}
	saved, some := binary.LittleEndian.Uint32(data), data[4]
	if int64(saved) != int64(n) {
		return damaged("it holds %d CIDs, and should hold %d", saved, n)
	}
	if some > 1 {
		return damaged("it is of form %d", some)
	}
	p := piece{n: n}
	rest := data[pieceHeadBytes:]
	bitBytes := int(some) * ((n + 7) / 8)
	if len(rest) < bitBytes+n*batch.PackedBytes {
		return damaged("%d bytes are too few for %d CIDs", len(data), n)
	}
	p.keys, p.texts = rest[bitBytes:][:n*batch.PackedBytes], rest[bitBytes+n*batch.PackedBytes:]
	textBytes := 0
	if some == 1 {
		p.opaque = rest[:bitBytes]
		if bytes.Count(p.opaque, []byte{0}) == bitBytes {
			return damaged("none is opaque though some should be")
		}
		if n%8 != 0 && p.opaque[n/8]>>(n%8) != 0 {
			return damaged("more than %d CIDs are said to be opaque", n)
		}
		for i := range n {
			if !has(p.opaque, i) {
				continue
			}
			k := p.key(i)
			long, ok := k.opaqueForm()
			if !ok || long > len(p.texts)-textBytes {
				return damaged("key %x of CID %d", *k, i)
			}
			if packs(p.texts[textBytes:][:long]) {
				return damaged("CID %d is opaque and need not be", i)
			}
			textBytes += long
		}
	}
	if textBytes != len(p.texts) {
		return damaged("%d bytes of text where the keys want %d", len(p.texts), textBytes)
	}
	return p, nil
}

func (p *piece) key(i int) *key { return (*key)(p.keys[i*batch.PackedBytes:]) }

// text returns an opaque CID, and what remains of the texts after it.
func (p *piece) text(i int, texts []byte) (text, rest []byte) {
	k := p.key(i)
	if k[0] == longText {
		return texts[:k[1]], texts[k[1]:]
	}
	return k[1 : 1+k[0]], texts
}

// opaqueForm checks the saved key of an opaque CID and returns the length of the text that goes with it, 0 when it is in the key.
func (k *key) opaqueForm() (textBytes int, ok bool) {
	used := 1 + int(k[0])
	if k[0] == longText {
		used, textBytes = 2, int(k[1])
		ok = textBytes >= len(k) && textBytes <= batch.MaxCIDBytes
	} else {
		ok = k[0] > 0 && used <= len(k)
	}
	if !ok {
		return 0, false
	}
	for _, b := range k[used:] {
		ok = ok && b == 0
	}
	return textBytes, ok
}

func packs(text []byte) bool {
	var to key
	return batch.Pack((*[batch.PackedBytes]byte)(&to), string(text))
}
