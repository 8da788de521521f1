package judge

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"whowhen.dev/whowhen/segments/expr"
)

// scores are the published scores of a name.
type scores struct {
	codes map[string]uint16
	ranks map[string]uint32
}

// Publish makes codes the scores of a name, by CID. Of equal scores the one of lower rank is better: the order does not follow
// from meanings.
func (j *Judge) Publish(name string, codes map[string]uint16, ranks map[string]uint32) {
	j.scores[name] = scores{codes, ranks}
}

// Unpublish takes the scores of a name away.
func (j *Judge) Unpublish(name string) { delete(j.scores, name) }

// Score returns the probability that a CID has by a score, if it has one.
func (v *View) Score(name, cid string) (probability float64, there bool) {
	code, there := v.judge.scores[name].codes[cid]
	return chance(code), there
}

func chance(code uint16) float64 {
	logOdds := float64(code)/2048 - 16
	return 1 / (1 + math.Exp(-logOdds))
}

func (j *Judge) scored(n expr.Score, cid string) bool {
	code, there := j.scores[n.Name].codes[cid]
	if !there || n.Op == expr.Exists {
		return there
	}
	p := chance(code)
	return holds(n.Op, len(n.Values), func(i int) int {
		literal, err := strconv.ParseFloat(n.Values[i].Num.String(), 64)
		if err != nil {
			panic(err)
		}
		return cmp.Compare(p, literal)
	})
}

// top returns whom a top takes.
func (v *View) top(n expr.Top) map[string]bool {
	text := n.String()
	if taken := v.tops[text]; taken != nil {
		return taken
	}
	by := v.judge.scores[n.Score]
	var order []string
	for cid := range v.Select(n.Of) {
		if _, there := by.codes[cid]; there {
			order = append(order, cid)
		}
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(by.codes[b], by.codes[a]), cmp.Compare(by.ranks[a], by.ranks[b]))
	})
	taken := map[string]bool{}
	for _, cid := range order[:min(uint64(len(order)), n.N)] {
		taken[cid] = true
	}
	v.tops[text] = taken
	return taken
}
