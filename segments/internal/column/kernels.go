package column

// The kernels work on tiles, a quarter of a block each, so that what they go over several times stays in the innermost
// cache. They take two planes a pass, which halves the traffic to and from the result, and four words a turn, which keeps the
// loads going; with fixed lengths no index needs a check.

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
	for i := 0; i < len(r); i += 4 {
		r[i] = s[i] & p[i]
		r[i+1] = s[i+1] & p[i+1]
		r[i+2] = s[i+2] & p[i+2]
		r[i+3] = s[i+3] & p[i+3]
	}
}

func tileOr(r, s, p *tile) {
	for i := 0; i < len(r); i += 4 {
		r[i] = s[i] | p[i]
		r[i+1] = s[i+1] | p[i+1]
		r[i+2] = s[i+2] | p[i+2]
		r[i+3] = s[i+3] | p[i+3]
	}
}

// Two planes of a comparison, p before q, after s.

func tileAndAnd(r, s, p, q *tile) {
	for i := 0; i < len(r); i += 4 {
		r[i] = s[i] & p[i] & q[i]
		r[i+1] = s[i+1] & p[i+1] & q[i+1]
		r[i+2] = s[i+2] & p[i+2] & q[i+2]
		r[i+3] = s[i+3] & p[i+3] & q[i+3]
	}
}

func tileAndOr(r, s, p, q *tile) {
	for i := 0; i < len(r); i += 4 {
		r[i] = s[i]&p[i] | q[i]
		r[i+1] = s[i+1]&p[i+1] | q[i+1]
		r[i+2] = s[i+2]&p[i+2] | q[i+2]
		r[i+3] = s[i+3]&p[i+3] | q[i+3]
	}
}

func tileOrAnd(r, s, p, q *tile) {
	for i := 0; i < len(r); i += 4 {
		r[i] = (s[i] | p[i]) & q[i]
		r[i+1] = (s[i+1] | p[i+1]) & q[i+1]
		r[i+2] = (s[i+2] | p[i+2]) & q[i+2]
		r[i+3] = (s[i+3] | p[i+3]) & q[i+3]
	}
}

func tileOrOr(r, s, p, q *tile) {
	for i := 0; i < len(r); i += 4 {
		r[i] = s[i] | p[i] | q[i]
		r[i+1] = s[i+1] | p[i+1] | q[i+1]
		r[i+2] = s[i+2] | p[i+2] | q[i+2]
		r[i+3] = s[i+3] | p[i+3] | q[i+3]
	}
}

// What a comparison ends with.

func tileWithin(out, r, candidates *tile) {
	for i := 0; i < len(out); i += 4 {
		out[i] = r[i] & candidates[i]
		out[i+1] = r[i+1] & candidates[i+1]
		out[i+2] = r[i+2] & candidates[i+2]
		out[i+3] = r[i+3] & candidates[i+3]
	}
}

func tileNotAbove(out, r, candidates, present *tile) {
	for i := 0; i < len(out); i += 4 {
		out[i] = candidates[i] & present[i] &^ r[i]
		out[i+1] = candidates[i+1] & present[i+1] &^ r[i+1]
		out[i+2] = candidates[i+2] & present[i+2] &^ r[i+2]
		out[i+3] = candidates[i+3] & present[i+3] &^ r[i+3]
	}
}

func tileBetween(out, above, notAbove, candidates *tile) {
	for i := 0; i < len(out); i += 4 {
		out[i] = above[i] & candidates[i] &^ notAbove[i]
		out[i+1] = above[i+1] & candidates[i+1] &^ notAbove[i+1]
		out[i+2] = above[i+2] & candidates[i+2] &^ notAbove[i+2]
		out[i+3] = above[i+3] & candidates[i+3] &^ notAbove[i+3]
	}
}

// Planes of an equality; they say whether anybody is left.

func tileKeep(r, p, q *tile) bool {
	left := uint64(0)
	for i := 0; i < len(r); i += 4 {
		r[i] &= p[i] & q[i]
		left |= r[i]
		r[i+1] &= p[i+1] & q[i+1]
		left |= r[i+1]
		r[i+2] &= p[i+2] & q[i+2]
		left |= r[i+2]
		r[i+3] &= p[i+3] & q[i+3]
		left |= r[i+3]
	}
	return left != 0
}

func tileDrop(r, p, q *tile) bool {
	left := uint64(0)
	for i := 0; i < len(r); i += 4 {
		r[i] &^= p[i] | q[i]
		left |= r[i]
		r[i+1] &^= p[i+1] | q[i+1]
		left |= r[i+1]
		r[i+2] &^= p[i+2] | q[i+2]
		left |= r[i+2]
		r[i+3] &^= p[i+3] | q[i+3]
		left |= r[i+3]
	}
	return left != 0
}
