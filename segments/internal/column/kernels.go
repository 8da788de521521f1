package column

// The kernels work on tiles, a quarter of a block each, so that what they go over several times stays in the innermost
// cache. They take two planes a pass, which halves the traffic to and from the result; with fixed lengths no index needs
// a check.

const (
	tileWords  = 256
	blockTiles = blockWords / tileWords
)

type tile = [tileWords]uint64

// tileOf returns tile t of a block's words.
func tileOf(words *[blockWords]uint64, t int) *tile {
	return (*tile)(words[t*tileWords:][:tileWords])
}

func emptyTile(r *tile) bool {
	for i := 0; i < len(r); i += 4 {
		if r[i]|r[i+1]|r[i+2]|r[i+3] != 0 {
			return false
		}
	}
	return true
}

// One plane of a comparison, after s: whoever is above in the lower bits stays so in spite of an equal bit; see aboveSteps.

func tileAnd(r, s, p *tile) {
	for i := range r {
		r[i] = s[i] & p[i]
	}
}

func tileOr(r, s, p *tile) {
	for i := range r {
		r[i] = s[i] | p[i]
	}
}

// Two planes of a comparison, p before q, after s.

func tileAndAnd(r, s, p, q *tile) {
	for i := range r {
		r[i] = s[i] & p[i] & q[i]
	}
}

func tileAndOr(r, s, p, q *tile) {
	for i := range r {
		r[i] = s[i]&p[i] | q[i]
	}
}

func tileOrAnd(r, s, p, q *tile) {
	for i := range r {
		r[i] = (s[i] | p[i]) & q[i]
	}
}

func tileOrOr(r, s, p, q *tile) {
	for i := range r {
		r[i] = s[i] | p[i] | q[i]
	}
}

// What a comparison ends with.

func tileWithin(out, r, candidates *tile) {
	for i := range out {
		out[i] = r[i] & candidates[i]
	}
}

func tileNotAbove(out, r, candidates, present *tile) {
	for i := range out {
		out[i] = candidates[i] & present[i] &^ r[i]
	}
}

func tileBetween(out, above, notAbove, candidates *tile) {
	for i := range out {
		out[i] = above[i] & candidates[i] &^ notAbove[i]
	}
}

// Planes of an equality; they say whether anybody is left.

func tileKeep(r, p, q *tile) bool {
	left := uint64(0)
	for i := range r {
		r[i] &= p[i] & q[i]
		left |= r[i]
	}
	return left != 0
}

func tileDrop(r, p, q *tile) bool {
	left := uint64(0)
	for i := range r {
		r[i] &^= p[i] | q[i]
		left |= r[i]
	}
	return left != 0
}
