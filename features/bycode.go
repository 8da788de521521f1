package features

// byCode has a number for each code that a value of a property has; 0 for others. Strings that came early in the life of an app have small even
// codes, which lie in a list; what is found there is found some times as fast.
type byCode[N uint16 | uint32] struct {
	list []N
	rest map[int64]N
}

// mostListed bounds the list.
const mostListed = 1 << 20

func (b *byCode[N]) of(code int64) N {
	if at := uint64(code) >> 1; code&1 == 0 && at < uint64(len(b.list)) {
		return b.list[at]
	}
	return b.rest[code]
}

func (b *byCode[N]) set(code int64, n N) {
	at := uint64(code) >> 1
	switch {
	case code&1 == 0 && at < uint64(len(b.list)):
		b.list[at] = n
	case code&1 == 0 && at < mostListed:
		b.list = append(b.list, make([]N, int(at)+1-len(b.list))...)
		b.list[at] = n
	default:
		if b.rest == nil {
			b.rest = map[int64]N{}
		}
		b.rest[code] = n
	}
}

// bytes is about how much memory it takes, and not less.
func (b *byCode[N]) bytes() int { return 4*len(b.list) + 40*len(b.rest) }

// each calls yield with every code that has a number.
func (b *byCode[N]) each(yield func(code int64, n N)) {
	for at, n := range b.list {
		if n != 0 {
			yield(int64(at)<<1, n)
		}
	}
	for code, n := range b.rest {
		yield(code, n)
	}
}
