package batch

import (
	"encoding/binary"
	"encoding/hex"
	"unicode/utf8"
)

// PackedBytes is the size of a CID that is 32 lower-case hexadecimal digits, packed.
const PackedBytes = 16

// MaxCIDBytes is the longest CID taken.
const MaxCIDBytes = 128

// CIDs is a column of client ids: either all packed, 16 bytes each back to back,
// or all strings.
type CIDs struct {
	Packed  []byte
	Strings []string
}

// Len returns the number of CIDs.
func (c *CIDs) Len() int {
	if len(c.Strings) > 0 {
		return len(c.Strings)
	}
	return len(c.Packed) / PackedBytes
}

// At returns the CID of a row as text.
func (c *CIDs) At(row int) string {
	if len(c.Strings) > 0 {
		return c.Strings[row]
	}
	return hex.EncodeToString(c.Packed[row*PackedBytes : (row+1)*PackedBytes])
}

// append adds a CID, going over to strings when it cannot be packed.
func (c *CIDs) append(cid string) {
	if len(c.Strings) == 0 {
		var packed [PackedBytes]byte
		if Pack(&packed, cid) {
			c.Packed = append(c.Packed, packed[:]...)
			return
		}
		strings := make([]string, c.Len(), c.Len()+1)
		for i := range strings {
			strings[i] = c.At(i)
		}
		c.Packed, c.Strings = nil, strings
	}
	c.Strings = append(c.Strings, cid)
}

func (c *CIDs) filter(keep []bool) {
	if len(c.Strings) > 0 {
		c.Strings = filter(c.Strings, keep)
		return
	}
	kept := c.Packed[:0]
	for i, k := range keep {
		if k {
			kept = append(kept, c.Packed[i*PackedBytes:(i+1)*PackedBytes]...)
		}
	}
	c.Packed = kept
}

// Pack puts a CID of 32 lower-case hexadecimal digits into 16 bytes and says whether
// it is one; only those come back from the bytes as they were. Otherwise the bytes have no meaning.
func Pack(to *[PackedBytes]byte, cid string) bool {
	if len(cid) != 2*PackedBytes {
		return false
	}
	wrong := uint64(0)
	for i := range PackedBytes / 4 {
		four, bad := unhex(cid[8*i : 8*i+8])
		binary.LittleEndian.PutUint32(to[4*i:], four)
		wrong |= bad
	}
	return wrong == 0
}

// unhex turns eight lower-case hexadecimal digits into four bytes, all at once; bad is not 0 if one of them is none.
func unhex(digits string) (four uint32, bad uint64) {
	const each = 0x0101010101010101
	x := uint64(digits[0]) | uint64(digits[1])<<8 | uint64(digits[2])<<16 | uint64(digits[3])<<24 |
		uint64(digits[4])<<32 | uint64(digits[5])<<40 | uint64(digits[6])<<48 | uint64(digits[7])<<56
	letter := x >> 6 & each // '0' to '9' are 0x30 to 0x39, 'a' to 'f' 0x61 to 0x66
	low := x & (0x0f * each)
	bad = x&(0xf0*each) ^ (0x30*each + 0x30*letter)
	bad |= (low + 6*each + 3*letter) & (0x10 * each) // digits go up to 9, letters up to 6
	bad |= letter &^ ((low + 0x0f*each) >> 4)        // and letters from 1
	n := low + 9*letter
	n = (n<<4 | n>>8) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16), bad
}

// checkName says what is wrong with a CID or a name, or returns "".
func checkName(s string, maxBytes int) (reason string) {
	if s == "" {
		return "EMPTY"
	}
	if len(s) > maxBytes {
		return "TOO_LONG"
	}
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c == 0x7f {
			return "CONTROL_CHARACTER"
		}
		ascii = ascii && c < 0x80
	}
	if ascii {
		return ""
	}
	if !utf8.ValidString(s) {
		return "NOT_UTF8"
	}
	for _, r := range s {
		if r >= 0x80 && r <= 0x9f {
			return "CONTROL_CHARACTER"
		}
	}
	return ""
}
