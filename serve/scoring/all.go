package scoring

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/segments"
)

// ShardCIDs is how many CIDs a shard has, but for the last.
const ShardCIDs = 1 << 20

const shardBlocks = ShardCIDs / segments.BlockCIDs

// Shard are the scores of consecutive CIDs.
type Shard struct {
	First    uint32 // ordinal
	Ordinals int    // how many CIDs it speaks of
	// Present has a bit for each of them, 1 for who is eligible, and Codes their scores, as segments.ScoreProbability has them.
	Present []uint64
	Codes   []uint16
	// LogOdds are the scores before they are rounded to codes.
	LogOdds []float32
}

// Each calls yield with each who has a score.
func (s *Shard) Each(yield func(ordinal uint32, code uint16)) {
	next := 0
	for w, word := range s.Present {
		for ; word != 0; word &= word - 1 {
			yield(s.First+uint32(w*64+bits.TrailingZeros64(word)), s.Codes[next])
			next++
		}
	}
}

// Walk computes scores.
type Walk struct {
	View *segments.View // as of the end of the last day that is known
	// From is where to begin: a multiple of ShardCIDs.
	From uint32
	// Workers is how many goroutines compute; below 1 means one.
	Workers int
	// Rest, when not nil, is called after each block by whoever has computed it, to let others work. Its error ends the walk.
	Rest func(ctx context.Context) error
	// Done, when not nil, is called after each shard with how many CIDs it spoke of, by the goroutine that called Each.
	Done func(cids int) error
	// Seen, when not nil, is called with the columns of each block, from any of the goroutines; they are good until it returns.
	Seen func(b features.Block, logOdds []float32) error
}

// Each calls yield with the scores of one shard after the other, in the order of their ordinals. A shard is good until yield returns. It
// takes some megabytes for each worker, and ends with the first error.
func (m *Model) Each(ctx context.Context, w Walk, yield func(*Shard) error) error {
	source, err := m.memory.NewSource(ctx, w.View, m.columns, m.levels)
	if err != nil {
		return err
	}
	workers := make([]*worker, max(1, w.Workers))
	defer func() {
		for _, k := range workers {
			if k != nil {
				k.close()
			}
		}
	}()
	for i := range workers {
		if workers[i], err = m.newWorker(ctx, w, source); err != nil {
			return err
		}
	}
	var parts [shardBlocks]part
	shard := &Shard{}
	all := w.View.CIDs()
	for first := int(w.From); first < all; first += ShardCIDs {
		n := min(ShardCIDs, all-first)
		if err := computeShard(ctx, workers, first/segments.BlockCIDs, parts[:(n+segments.BlockCIDs-1)/segments.BlockCIDs]); err != nil {
			return err
		}
		shard.First, shard.Ordinals = uint32(first), n
		shard.gather(parts[:(n+segments.BlockCIDs-1)/segments.BlockCIDs])
		if err := yield(shard); err != nil {
			return err
		}
		if w.Done != nil {
			if err := w.Done(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// part are the scores of a block.
type part struct {
	ordinals []uint16
	logOdds  []float32
}

// computeShard has the workers compute consecutive blocks.
func computeShard(ctx context.Context, workers []*worker, firstBlock int, parts []part) error {
	var next atomic.Int64
	errs := make([]error, len(workers))
	var wait sync.WaitGroup
	for i, k := range workers {
		wait.Go(func() {
			for at := next.Add(1) - 1; int(at) < len(parts); at = next.Add(1) - 1 {
				if errs[i] = k.block(ctx, firstBlock+int(at), &parts[at]); errs[i] != nil {
					next.Store(int64(len(parts)))
					return
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// gather puts the parts of a shard together.
func (s *Shard) gather(parts []part) {
	words := (s.Ordinals + 63) / 64
	s.Present = append(s.Present[:0], make([]uint64, words)...)
	s.Codes, s.LogOdds = s.Codes[:0], s.LogOdds[:0]
	for b, p := range parts {
		base := b * segments.BlockCIDs / 64
		for i, o := range p.ordinals {
			code, ok := segments.ScoreCode(float64(p.logOdds[i]))
			if !ok {
				continue // models never gives NaN
			}
			s.Present[base+int(o>>6)] |= 1 << (o & 63)
			s.Codes = append(s.Codes, code)
			s.LogOdds = append(s.LogOdds, p.logOdds[i])
		}
	}
}

// worker computes blocks.
type worker struct {
	model     *Model
	walk      Walk
	extractor *features.Extractor
	members   *segments.Members
	words     segments.Words
}

func (m *Model) newWorker(ctx context.Context, w Walk, source *features.Source) (*worker, error) {
	extractor, err := source.Extractor(ctx)
	if err != nil {
		return nil, err
	}
	members, err := w.View.Members(ctx, m.eligible)
	if err != nil {
		extractor.Close()
		return nil, err
	}
	return &worker{model: m, walk: w, extractor: extractor, members: members}, nil
}

func (k *worker) close() {
	k.members.Close()
	k.extractor.Close()
}

func (k *worker) block(ctx context.Context, number int, p *part) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.ordinals = p.ordinals[:0]
	if err := k.members.At(number, &k.words); err != nil {
		return err
	}
	ordinals, columns, err := k.extractor.Extract(number, &k.words)
	if err != nil {
		return err
	}
	p.ordinals = append(p.ordinals, ordinals...)
	if cap(p.logOdds) < len(ordinals) {
		p.logOdds = make([]float32, segments.BlockCIDs)
	}
	p.logOdds = p.logOdds[:len(ordinals)]
	if len(ordinals) > 0 {
		if err := k.model.artifact.Model.LogOdds(columns, p.logOdds); err != nil {
			return err
		}
		if k.walk.Seen != nil {
			if err := k.walk.Seen(features.Block{Number: number, Ordinals: ordinals, Columns: columns}, p.logOdds); err != nil {
				return err
			}
		}
	}
	if k.walk.Rest != nil {
		return k.walk.Rest(ctx)
	}
	return nil
}
