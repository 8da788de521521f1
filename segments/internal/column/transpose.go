package column

// lanes turns 8 planes into 64 numbers of 8 bits: bit 8j+t of a[i] becomes bit i of byte t of a[j]. First the
// bytes of the 8 words change places as in an 8 by 8 matrix, by halves, then the bits of each word do.
func lanes(a *[8]uint64) {
	swapBytes(a)
	swapBits(a)
}

// unlanes is the inverse of lanes.
func unlanes(a *[8]uint64) {
	swapBits(a)
	swapBytes(a)
}

func swapBytes(a *[8]uint64) {
	a[0], a[4] = swap32(a[0], a[4])
	a[1], a[5] = swap32(a[1], a[5])
	a[2], a[6] = swap32(a[2], a[6])
	a[3], a[7] = swap32(a[3], a[7])
	a[0], a[2] = swap16(a[0], a[2])
	a[1], a[3] = swap16(a[1], a[3])
	a[4], a[6] = swap16(a[4], a[6])
	a[5], a[7] = swap16(a[5], a[7])
	a[0], a[1] = swap8(a[0], a[1])
	a[2], a[3] = swap8(a[2], a[3])
	a[4], a[5] = swap8(a[4], a[5])
	a[6], a[7] = swap8(a[6], a[7])
}

func swap32(x, y uint64) (uint64, uint64) {
	return x&0x00000000ffffffff | y<<32, x>>32 | y&0xffffffff00000000
}

func swap16(x, y uint64) (uint64, uint64) {
	const low = 0x0000ffff0000ffff
	return x&low | y&low<<16, x>>16&low | y&^low
}

func swap8(x, y uint64) (uint64, uint64) {
	const low = 0x00ff00ff00ff00ff
	return x&low | y&low<<8, x>>8&low | y&^low
}

func swapBits(a *[8]uint64) {
	for i, x := range a {
		t := (x ^ x>>7) & 0x00aa00aa00aa00aa
		x ^= t ^ t<<7
		t = (x ^ x>>14) & 0x0000cccc0000cccc
		x ^= t ^ t<<14
		t = (x ^ x>>28) & 0x00000000f0f0f0f0
		a[i] = x ^ t ^ t<<28
	}
}
