package batch

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Limits on scores.
const (
	// MaxChunkOrdinals is how many ordinals one ScoreChunk may speak of. It takes 2 MiB and a bit in the log.
	MaxChunkOrdinals = 1 << 20
	// ChunkAlign is what the first ordinal of a ScoreChunk is a multiple of.
	ChunkAlign = 1 << 16

	maxOrdinals = 1 << 32
)

// ScoreChunk stages a part of a generation of scores, which nobody sees until the generation is published. What it
// says of its ordinals takes the place of what an earlier chunk of the generation said of them.
type ScoreChunk struct {
	Name       string // of the score, as in score("churn")
	Generation uint64 // from 1 on; a later one is greater
	First      uint32 // the first ordinal, a multiple of ChunkAlign
	Ordinals   int    // how many the chunk speaks of, from First on; 0 to MaxChunkOrdinals
	// Present has a bit for each of the ordinals, the lowest of the first word being First's: 1 for who
	// has a score. There are as many words as that takes, and no other bits.
	Present []uint64
	// Codes are the scores of those present, ascending by ordinal; segments.ScoreProbability says what they mean.
	Codes []uint16
}

// ScorePublish makes what is staged of a generation the scores of the name, in one step.
type ScorePublish struct {
	Name       string
	Generation uint64
	Version    string // of the model that made the scores
	AsOfMillis int64  // the moment that the model was asked about
	Definition string // hash of what the model predicts, or ""
}

// End returns the ordinal after the last that the chunk speaks of.
func (c *ScoreChunk) End() uint64 { return uint64(c.First) + uint64(c.Ordinals) }

// Check returns what makes the chunk one that cannot be, or nil.
func (c *ScoreChunk) Check() error {
	if err := checkScore(c.Name, c.Generation); err != nil {
		return err
	}
	switch {
	case c.First%ChunkAlign != 0:
		return fmt.Errorf("a chunk of scores begins at a multiple of %d, not at ordinal %d", ChunkAlign, c.First)
	case c.Ordinals < 0 || c.Ordinals > MaxChunkOrdinals:
		return fmt.Errorf("a chunk of scores speaks of up to %d ordinals, not of %d", MaxChunkOrdinals, c.Ordinals)
	case c.End() > maxOrdinals:
		return fmt.Errorf("a chunk of scores from %d on cannot speak of %d ordinals: there are no more than %d", c.First, c.Ordinals, uint64(maxOrdinals))
	case len(c.Present) != presentWords(c.Ordinals):
		return fmt.Errorf("a chunk of scores has %d words of who is present for %d ordinals", len(c.Present), c.Ordinals)
	case c.Ordinals%64 != 0 && c.Present[len(c.Present)-1]>>(c.Ordinals%64) != 0:
		return fmt.Errorf("a chunk of scores has more present than its %d ordinals", c.Ordinals)
	}
	if n := c.present(); n != len(c.Codes) {
		return fmt.Errorf("a chunk of scores has %d codes for %d present", len(c.Codes), n)
	}
	return nil
}

func (c *ScoreChunk) present() (n int) {
	for _, w := range c.Present {
		n += bits.OnesCount64(w)
	}
	return n
}

func presentWords(ordinals int) int { return (ordinals + 63) / 64 }

// Check returns what makes this one that cannot be, or nil.
func (p *ScorePublish) Check() error {
	if err := checkScore(p.Name, p.Generation); err != nil {
		return err
	}
	if r := checkNamed("version", "VERSION", p.Version); r != nil {
		return fmt.Errorf("the version of the scores: %s", r.Message)
	}
	if p.Definition != "" {
		if r := checkNamed("definition", "DEFINITION", p.Definition); r != nil {
			return fmt.Errorf("the definition of the scores: %s", r.Message)
		}
	}
	if p.AsOfMillis < 0 || p.AsOfMillis > MaxMillis {
		return fmt.Errorf("scores are as of a moment from 1970 to 2105, not %d ms after 1970", p.AsOfMillis)
	}
	return nil
}

func checkScore(name string, generation uint64) error {
	if r := checkNamed("name", "SCORE", name); r != nil {
		return fmt.Errorf("the name of a score: %s", r.Message)
	}
	if generation == 0 {
		return fmt.Errorf("generations of scores are counted from 1")
	}
	return nil
}

func (b *Batch) hasScores() bool {
	return len(b.ScoreDrops)+len(b.ScoreChunks)+len(b.ScorePublishes) > 0
}

func (b *Batch) scoresBound() (n int) {
	const fixed = 64 // numbers and lengths
	for _, name := range b.ScoreDrops {
		n += fixed + len(name)
	}
	for i := range b.ScoreChunks {
		c := &b.ScoreChunks[i]
		n += fixed + len(c.Name) + 8*len(c.Present) + 2*len(c.Codes)
	}
	for i := range b.ScorePublishes {
		p := &b.ScorePublishes[i]
		n += fixed + len(p.Name) + len(p.Version) + len(p.Definition)
	}
	return n
}

func (e *encoder) scores(b *Batch) {
	e.uint(uint64(len(b.ScoreDrops)))
	for _, name := range b.ScoreDrops {
		e.string(name)
	}
	e.uint(uint64(len(b.ScoreChunks)))
	for i := range b.ScoreChunks {
		c := &b.ScoreChunks[i]
		e.string(c.Name)
		e.uint(c.Generation)
		e.uint(uint64(c.First))
		e.uint(uint64(c.Ordinals))
		for _, w := range c.Present {
			e.buf = binary.LittleEndian.AppendUint64(e.buf, w)
		}
		for _, code := range c.Codes {
			e.buf = binary.LittleEndian.AppendUint16(e.buf, code)
		}
	}
	e.uint(uint64(len(b.ScorePublishes)))
	for i := range b.ScorePublishes {
		p := &b.ScorePublishes[i]
		e.string(p.Name)
		e.uint(p.Generation)
		e.string(p.Version)
		e.int(p.AsOfMillis)
		e.string(p.Definition)
	}
}

func (d *decoder) scores(b *Batch) {
	for range d.count(1) {
		name := d.string()
		if r := checkNamed("name", "SCORE", name); r != nil {
			d.fail("the name of a score: %s", r.Message)
		}
		if d.err != nil {
			return
		}
		b.ScoreDrops = append(b.ScoreDrops, name)
	}
	for range d.count(1) {
		c := d.scoreChunk()
		if d.err != nil {
			return
		}
		b.ScoreChunks = append(b.ScoreChunks, c)
	}
	for range d.count(1) {
		p := ScorePublish{Name: d.string(), Generation: d.uint(), Version: d.string(), AsOfMillis: d.int(), Definition: d.string()}
		d.check(p.Check)
		if d.err != nil {
			return
		}
		b.ScorePublishes = append(b.ScorePublishes, p)
	}
}

func (d *decoder) scoreChunk() ScoreChunk {
	c := ScoreChunk{Name: d.string(), Generation: d.uint()}
	first, ordinals := d.uint(), d.uint()
	if first >= maxOrdinals || ordinals > MaxChunkOrdinals {
		d.fail("%d ordinals from %d on", ordinals, first)
		return c
	}
	c.First, c.Ordinals = uint32(first), int(ordinals)
	words := d.bytes(8 * presentWords(c.Ordinals))
	c.Present = make([]uint64, len(words)/8)
	for i := range c.Present {
		c.Present[i] = binary.LittleEndian.Uint64(words[8*i:])
	}
	codes := d.bytes(2 * c.present())
	c.Codes = make([]uint16, len(codes)/2)
	for i := range c.Codes {
		c.Codes[i] = binary.LittleEndian.Uint16(codes[2*i:])
	}
	d.check(c.Check)
	return c
}

// check fails with the first thing wrong with what has been read.
func (d *decoder) check(wrong func() error) {
	if d.err == nil {
		d.err = wrong()
	}
}
