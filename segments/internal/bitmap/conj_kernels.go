package bitmap

import "math/bits"

// Each kernel makes one pass over all its operands, so that nothing in between is written: p operands are in, of two any may be
// in (o), one is out (n). Four words a turn keep the loads going; the compiler makes no vectors of them.

type storeKernel func(to *Words, pos *[3]*Words, or *[2]*Words, not *Words)

type countKernel func(pos *[3]*Words, or *[2]*Words, not *Words) int

// storeKernels and countKernels return the kernel for so many operands, nil where there is none.
func storeKernels(p, o, n int) storeKernel {
	switch p<<2 | o<<1 | n {
	case 2:
		return store010
	case 3:
		return store011
	case 4:
		return store100
	case 5:
		return store101
	case 6:
		return store110
	case 7:
		return store111
	case 8:
		return store200
	case 9:
		return store201
	case 10:
		return store210
	case 11:
		return store211
	case 12:
		return store300
	case 13:
		return store301
	case 14:
		return store310
	case 15:
		return store311
	}
	return nil
}

func countKernels(p, o, n int) countKernel {
	switch p<<2 | o<<1 | n {
	case 2:
		return count010
	case 3:
		return count011
	case 4:
		return count100
	case 5:
		return count101
	case 6:
		return count110
	case 7:
		return count111
	case 8:
		return count200
	case 9:
		return count201
	case 10:
		return count210
	case 11:
		return count211
	case 12:
		return count300
	case 13:
		return count301
	case 14:
		return count310
	case 15:
		return count311
	}
	return nil
}

func store010(to *Words, _ *[3]*Words, or *[2]*Words, _ *Words) {
	c, d := or[0], or[1]
	for i := 0; i < len(to); i += 4 {
		to[i] = c[i] | d[i]
		to[i+1] = c[i+1] | d[i+1]
		to[i+2] = c[i+2] | d[i+2]
		to[i+3] = c[i+3] | d[i+3]
	}
}

func count010(_ *[3]*Words, or *[2]*Words, _ *Words) int {
	c, d := or[0], or[1]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(c[i] | d[i])
		count += bits.OnesCount64(c[i+1] | d[i+1])
		count += bits.OnesCount64(c[i+2] | d[i+2])
		count += bits.OnesCount64(c[i+3] | d[i+3])
	}
	return count
}

func store011(to *Words, _ *[3]*Words, or *[2]*Words, not *Words) {
	c, d, e := or[0], or[1], not
	for i := 0; i < len(to); i += 4 {
		to[i] = (c[i] | d[i]) &^ e[i]
		to[i+1] = (c[i+1] | d[i+1]) &^ e[i+1]
		to[i+2] = (c[i+2] | d[i+2]) &^ e[i+2]
		to[i+3] = (c[i+3] | d[i+3]) &^ e[i+3]
	}
}

func count011(_ *[3]*Words, or *[2]*Words, not *Words) int {
	c, d, e := or[0], or[1], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64((c[i] | d[i]) &^ e[i])
		count += bits.OnesCount64((c[i+1] | d[i+1]) &^ e[i+1])
		count += bits.OnesCount64((c[i+2] | d[i+2]) &^ e[i+2])
		count += bits.OnesCount64((c[i+3] | d[i+3]) &^ e[i+3])
	}
	return count
}

func store100(to *Words, pos *[3]*Words, _ *[2]*Words, _ *Words) {
	x := pos[0]
	*to = *x
}

func count100(pos *[3]*Words, _ *[2]*Words, _ *Words) int {
	x := pos[0]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i])
		count += bits.OnesCount64(x[i+1])
		count += bits.OnesCount64(x[i+2])
		count += bits.OnesCount64(x[i+3])
	}
	return count
}

func store101(to *Words, pos *[3]*Words, _ *[2]*Words, not *Words) {
	x, e := pos[0], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] &^ e[i]
		to[i+1] = x[i+1] &^ e[i+1]
		to[i+2] = x[i+2] &^ e[i+2]
		to[i+3] = x[i+3] &^ e[i+3]
	}
}

func count101(pos *[3]*Words, _ *[2]*Words, not *Words) int {
	x, e := pos[0], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] &^ e[i])
		count += bits.OnesCount64(x[i+1] &^ e[i+1])
		count += bits.OnesCount64(x[i+2] &^ e[i+2])
		count += bits.OnesCount64(x[i+3] &^ e[i+3])
	}
	return count
}

func store110(to *Words, pos *[3]*Words, or *[2]*Words, _ *Words) {
	x, c, d := pos[0], or[0], or[1]
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & (c[i] | d[i])
		to[i+1] = x[i+1] & (c[i+1] | d[i+1])
		to[i+2] = x[i+2] & (c[i+2] | d[i+2])
		to[i+3] = x[i+3] & (c[i+3] | d[i+3])
	}
}

func count110(pos *[3]*Words, or *[2]*Words, _ *Words) int {
	x, c, d := pos[0], or[0], or[1]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & (c[i] | d[i]))
		count += bits.OnesCount64(x[i+1] & (c[i+1] | d[i+1]))
		count += bits.OnesCount64(x[i+2] & (c[i+2] | d[i+2]))
		count += bits.OnesCount64(x[i+3] & (c[i+3] | d[i+3]))
	}
	return count
}

func store111(to *Words, pos *[3]*Words, or *[2]*Words, not *Words) {
	x, c, d, e := pos[0], or[0], or[1], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & (c[i] | d[i]) &^ e[i]
		to[i+1] = x[i+1] & (c[i+1] | d[i+1]) &^ e[i+1]
		to[i+2] = x[i+2] & (c[i+2] | d[i+2]) &^ e[i+2]
		to[i+3] = x[i+3] & (c[i+3] | d[i+3]) &^ e[i+3]
	}
}

func count111(pos *[3]*Words, or *[2]*Words, not *Words) int {
	x, c, d, e := pos[0], or[0], or[1], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & (c[i] | d[i]) &^ e[i])
		count += bits.OnesCount64(x[i+1] & (c[i+1] | d[i+1]) &^ e[i+1])
		count += bits.OnesCount64(x[i+2] & (c[i+2] | d[i+2]) &^ e[i+2])
		count += bits.OnesCount64(x[i+3] & (c[i+3] | d[i+3]) &^ e[i+3])
	}
	return count
}

func store200(to *Words, pos *[3]*Words, _ *[2]*Words, _ *Words) {
	x, y := pos[0], pos[1]
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i]
		to[i+1] = x[i+1] & y[i+1]
		to[i+2] = x[i+2] & y[i+2]
		to[i+3] = x[i+3] & y[i+3]
	}
}

func count200(pos *[3]*Words, _ *[2]*Words, _ *Words) int {
	x, y := pos[0], pos[1]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i])
		count += bits.OnesCount64(x[i+1] & y[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3])
	}
	return count
}

func store201(to *Words, pos *[3]*Words, _ *[2]*Words, not *Words) {
	x, y, e := pos[0], pos[1], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] &^ e[i]
		to[i+1] = x[i+1] & y[i+1] &^ e[i+1]
		to[i+2] = x[i+2] & y[i+2] &^ e[i+2]
		to[i+3] = x[i+3] & y[i+3] &^ e[i+3]
	}
}

func count201(pos *[3]*Words, _ *[2]*Words, not *Words) int {
	x, y, e := pos[0], pos[1], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] &^ e[i])
		count += bits.OnesCount64(x[i+1] & y[i+1] &^ e[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2] &^ e[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3] &^ e[i+3])
	}
	return count
}

func store210(to *Words, pos *[3]*Words, or *[2]*Words, _ *Words) {
	x, y, c, d := pos[0], pos[1], or[0], or[1]
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & (c[i] | d[i])
		to[i+1] = x[i+1] & y[i+1] & (c[i+1] | d[i+1])
		to[i+2] = x[i+2] & y[i+2] & (c[i+2] | d[i+2])
		to[i+3] = x[i+3] & y[i+3] & (c[i+3] | d[i+3])
	}
}

func count210(pos *[3]*Words, or *[2]*Words, _ *Words) int {
	x, y, c, d := pos[0], pos[1], or[0], or[1]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & (c[i] | d[i]))
		count += bits.OnesCount64(x[i+1] & y[i+1] & (c[i+1] | d[i+1]))
		count += bits.OnesCount64(x[i+2] & y[i+2] & (c[i+2] | d[i+2]))
		count += bits.OnesCount64(x[i+3] & y[i+3] & (c[i+3] | d[i+3]))
	}
	return count
}

func store211(to *Words, pos *[3]*Words, or *[2]*Words, not *Words) {
	x, y, c, d, e := pos[0], pos[1], or[0], or[1], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & (c[i] | d[i]) &^ e[i]
		to[i+1] = x[i+1] & y[i+1] & (c[i+1] | d[i+1]) &^ e[i+1]
		to[i+2] = x[i+2] & y[i+2] & (c[i+2] | d[i+2]) &^ e[i+2]
		to[i+3] = x[i+3] & y[i+3] & (c[i+3] | d[i+3]) &^ e[i+3]
	}
}

func count211(pos *[3]*Words, or *[2]*Words, not *Words) int {
	x, y, c, d, e := pos[0], pos[1], or[0], or[1], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & (c[i] | d[i]) &^ e[i])
		count += bits.OnesCount64(x[i+1] & y[i+1] & (c[i+1] | d[i+1]) &^ e[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2] & (c[i+2] | d[i+2]) &^ e[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3] & (c[i+3] | d[i+3]) &^ e[i+3])
	}
	return count
}

func store300(to *Words, pos *[3]*Words, _ *[2]*Words, _ *Words) {
	x, y, z := pos[0], pos[1], pos[2]
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & z[i]
		to[i+1] = x[i+1] & y[i+1] & z[i+1]
		to[i+2] = x[i+2] & y[i+2] & z[i+2]
		to[i+3] = x[i+3] & y[i+3] & z[i+3]
	}
}

func count300(pos *[3]*Words, _ *[2]*Words, _ *Words) int {
	x, y, z := pos[0], pos[1], pos[2]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & z[i])
		count += bits.OnesCount64(x[i+1] & y[i+1] & z[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2] & z[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3] & z[i+3])
	}
	return count
}

func store301(to *Words, pos *[3]*Words, _ *[2]*Words, not *Words) {
	x, y, z, e := pos[0], pos[1], pos[2], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & z[i] &^ e[i]
		to[i+1] = x[i+1] & y[i+1] & z[i+1] &^ e[i+1]
		to[i+2] = x[i+2] & y[i+2] & z[i+2] &^ e[i+2]
		to[i+3] = x[i+3] & y[i+3] & z[i+3] &^ e[i+3]
	}
}

func count301(pos *[3]*Words, _ *[2]*Words, not *Words) int {
	x, y, z, e := pos[0], pos[1], pos[2], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & z[i] &^ e[i])
		count += bits.OnesCount64(x[i+1] & y[i+1] & z[i+1] &^ e[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2] & z[i+2] &^ e[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3] & z[i+3] &^ e[i+3])
	}
	return count
}

func store310(to *Words, pos *[3]*Words, or *[2]*Words, _ *Words) {
	x, y, z, c, d := pos[0], pos[1], pos[2], or[0], or[1]
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & z[i] & (c[i] | d[i])
		to[i+1] = x[i+1] & y[i+1] & z[i+1] & (c[i+1] | d[i+1])
		to[i+2] = x[i+2] & y[i+2] & z[i+2] & (c[i+2] | d[i+2])
		to[i+3] = x[i+3] & y[i+3] & z[i+3] & (c[i+3] | d[i+3])
	}
}

func count310(pos *[3]*Words, or *[2]*Words, _ *Words) int {
	x, y, z, c, d := pos[0], pos[1], pos[2], or[0], or[1]
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & z[i] & (c[i] | d[i]))
		count += bits.OnesCount64(x[i+1] & y[i+1] & z[i+1] & (c[i+1] | d[i+1]))
		count += bits.OnesCount64(x[i+2] & y[i+2] & z[i+2] & (c[i+2] | d[i+2]))
		count += bits.OnesCount64(x[i+3] & y[i+3] & z[i+3] & (c[i+3] | d[i+3]))
	}
	return count
}

func store311(to *Words, pos *[3]*Words, or *[2]*Words, not *Words) {
	x, y, z, c, d, e := pos[0], pos[1], pos[2], or[0], or[1], not
	for i := 0; i < len(to); i += 4 {
		to[i] = x[i] & y[i] & z[i] & (c[i] | d[i]) &^ e[i]
		to[i+1] = x[i+1] & y[i+1] & z[i+1] & (c[i+1] | d[i+1]) &^ e[i+1]
		to[i+2] = x[i+2] & y[i+2] & z[i+2] & (c[i+2] | d[i+2]) &^ e[i+2]
		to[i+3] = x[i+3] & y[i+3] & z[i+3] & (c[i+3] | d[i+3]) &^ e[i+3]
	}
}

func count311(pos *[3]*Words, or *[2]*Words, not *Words) int {
	x, y, z, c, d, e := pos[0], pos[1], pos[2], or[0], or[1], not
	count := 0
	for i := 0; i < len(Words{}); i += 4 {
		count += bits.OnesCount64(x[i] & y[i] & z[i] & (c[i] | d[i]) &^ e[i])
		count += bits.OnesCount64(x[i+1] & y[i+1] & z[i+1] & (c[i+1] | d[i+1]) &^ e[i+1])
		count += bits.OnesCount64(x[i+2] & y[i+2] & z[i+2] & (c[i+2] | d[i+2]) &^ e[i+2])
		count += bits.OnesCount64(x[i+3] & y[i+3] & z[i+3] & (c[i+3] | d[i+3]) &^ e[i+3])
	}
	return count
}
