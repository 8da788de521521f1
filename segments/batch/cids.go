package batch

import (
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
// it is one; only those come back from the bytes as they were.
func Pack(to *[PackedBytes]byte, cid string) bool {
	if len(cid) != 2*PackedBytes {
		return false
	}
	for i := range PackedBytes {
		hi, lo := nibble(cid[2*i]), nibble(cid[2*i+1])
		if hi|lo > 15 {
			return false
		}
		to[i] = hi<<4 | lo
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
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
