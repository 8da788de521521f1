package bench

import "fmt"

// expressionDensities returns the densities of the tags a to e.
func expressionDensities() [5]float64 { return [5]float64{.5, .3, .1, .05, .2} }

// Variants is how many tags there are of each density of the first five: tag i and tag i+5, up to 5*Variants, have
// the same one, so that one expression can be asked in many ways.
const Variants = 5

// meanRun is the mean length of the runs of clustered tags.
const meanRun = 1500

// Tags returns the 40 tags. The first five are a to e, with densities .5, .3, .1, .05 and .2; the next twenty, a2 to
// e5, have these again; the others are scattered or clustered, from nearly everybody to one in 10,000.
func (d Dataset) Tags() []Tag {
	tags := make([]Tag, 0, 40)
	for variant := 1; variant <= Variants; variant++ {
		for i, density := range expressionDensities() {
			name := string(rune('a' + i))
			if variant > 1 {
				name += fmt.Sprint(variant)
			}
			tags = append(tags, Tag{Name: name, Density: density})
		}
	}
	for _, density := range []float64{.9, .75, .02, .01, .003, .001, .0003, .0001} {
		tags = append(tags, Tag{Name: fmt.Sprintf("scattered%05.0f", density*1e4), Density: density})
	}
	for _, density := range []float64{.5, .3, .2, .1, .05, .01, .001} {
		tags = append(tags, Tag{Name: fmt.Sprintf("clustered%05.0f", density*1e4), Density: density, Clustered: true})
	}
	return tags
}

// TagOfHalf returns the index in Tags of a tag that half of all bear; there are Variants of them.
func TagOfHalf(variant int) int { return 5 * variant }

// TagWords sets words to who bears a tag, by its index in Tags, in one block. Bits at and beyond CIDs are zero.
func (d Dataset) TagWords(tag, block int, words *[BlockWords]uint64) {
	t, random := d.Tags()[tag], d.streamOf(kindTag, tag, 0, block)
	if t.Clustered {
		random.runs(words, t.Density, meanRun)
	} else {
		random.fill(words, t.Density)
	}
	d.clip(block, words)
}
