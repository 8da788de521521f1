package segments

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/score"
	"whowhen.dev/whowhen/segments/value"
)

// ScoreCode returns the code that log-odds are kept as, round((logOdds + 16) * 2048) within 16 bits; what lies
// beyond gets the nearest. ok is false for NaN, which has none.
func ScoreCode(logOdds float64) (code uint16, ok bool) { return score.Code(logOdds) }

// ScoreProbability returns the probability that a code stands for, 1 / (1 + exp(-(code/2048 - 16))), strictly between 0
// and 1 and rising with the code. It is what expressions compare: score("x") >= 0.7 holds for who has a code whose
// probability, as a float64, is 0.7 or more.
func ScoreProbability(code uint16) float64 { return score.Probability(code) }

// ScoreAtLeast returns the smallest code whose probability is p or more; ok is false when there is none.
func ScoreAtLeast(p float64) (code uint16, ok bool) {
	at := score.AtLeast(p)
	if at == score.Codes {
		return 0, false
	}
	return uint16(at), true
}

// ScoreText returns the probability of a code in digits that expressions read: rounded down to nine significant ones, or as many more as tell it
// from the code below. So score("x") >= TEXT holds for just those with this code or a higher one.
func ScoreText(code uint16) string {
	p, below := score.Probability(code), 0.0
	if code > 0 {
		below = score.Probability(code - 1)
	}
	for digits := 9; digits < 18; digits++ {
		decimals := digits - 1 - int(math.Floor(math.Log10(p)))
		text := strconv.FormatFloat(p, 'f', decimals, 64)
		q, err := strconv.ParseFloat(text, 64)
		if err == nil && q > p { // it was rounded up
			text = strconv.FormatFloat(p-math.Pow10(-decimals), 'f', decimals, 64)
			q, err = strconv.ParseFloat(text, 64)
		}
		if err == nil && q <= p && q > below {
			return text
		}
	}
	return strconv.FormatFloat(p, 'f', -1, 64)
}

// StageScores adds a chunk to a generation of scores and returns its position in the log once it is on disk. Nobody sees
// it before PublishScores.
//
// Chunks of a generation come in the order of their ordinals, the first from ordinal 0; a chunk that came before may come
// again, and takes its own place. The first chunk of a later generation drops what is staged of an earlier one.
// Ordinals that the app does not know, a gap, and a generation that is not later than the published one are
// errors. The chunk's slices are the caller's again when StageScores returns. View.Scores says how far a generation is staged, so that who was interrupted goes on from there.
func (a *App) StageScores(ctx context.Context, c batch.ScoreChunk) (position uint64, err error) {
	if err := c.Check(); err != nil {
		return 0, &Error{Reason: ScoresMalformed, Field: "chunk", Message: err.Error()}
	}
	return a.changeScores(ctx, func(v *index.Version) (*batch.Batch, error) {
		if err := canStage(v, &c); err != nil {
			return nil, err
		}
		// On disk is not yet applied: the caller may use its memory again before that.
		c.Present, c.Codes = slices.Clone(c.Present), slices.Clone(c.Codes)
		return &batch.Batch{ScoreChunks: []batch.ScoreChunk{c}}, nil
	})
}

func canStage(v *index.Version, c *batch.ScoreChunk) error {
	outOfOrder := func(format string, args ...any) error {
		return &Error{Reason: ScoresOutOfOrder, Field: "chunk", Message: fmt.Sprintf("score %s, generation %d: ", value.Quote(c.Name), c.Generation) + fmt.Sprintf(format, args...)}
	}
	if c.End() > uint64(v.CIDs) {
		return &Error{Reason: ScoresMalformed, Field: "chunk", Message: fmt.Sprintf("a chunk of scores speaks of ordinals up to %d, the app knows %d CIDs", c.End(), v.CIDs)}
	}
	next, s := uint64(0), v.Score(c.Name)
	switch {
	case s == nil && len(v.Scores()) >= index.MaxScores:
		return &Error{Reason: TooManyScores, Field: "chunk", Message: fmt.Sprintf("the app has %d scores, and can have no more; drop one", len(v.Scores()))}
	case s == nil:
	case s.Published != nil && s.Published.Generation >= c.Generation:
		return outOfOrder("generation %d is published already; scores of now are of a later one", s.Published.Generation)
	case s.Staged != nil && s.Staged.Generation > c.Generation:
		return outOfOrder("generation %d is being staged, which is later", s.Staged.Generation)
	case s.Staged != nil && s.Staged.Generation == c.Generation:
		next = s.Staged.Next
	}
	if uint64(c.First) > next {
		return outOfOrder("the chunk begins at ordinal %d, the next is %d", c.First, next)
	}
	return nil
}

// PublishScores makes what is staged of generations the scores that expressions see, of all the names in one step, and returns the
// position of that in the log once it is on disk. The generations before go. Publishing again what is
// published changes nothing; a generation that is not staged is an error, and then nothing is published.
func (a *App) PublishScores(ctx context.Context, publishes ...batch.ScorePublish) (position uint64, err error) {
	for i := range publishes {
		if err := publishes[i].Check(); err != nil {
			return 0, &Error{Reason: ScoresMalformed, Field: "publish", Message: err.Error()}
		}
	}
	return a.changeScores(ctx, func(v *index.Version) (*batch.Batch, error) {
		b := &batch.Batch{}
		for _, p := range publishes {
			is, err := isPublished(v, p)
			if err != nil {
				return nil, err
			}
			if !is {
				b.ScorePublishes = append(b.ScorePublishes, p)
			}
		}
		if len(b.ScorePublishes) == 0 {
			return nil, nil
		}
		return b, nil
	})
}

// isPublished says whether a generation is published already, or why it cannot be.
func isPublished(v *index.Version, p batch.ScorePublish) (bool, error) {
	s := v.Score(p.Name)
	if s != nil && s.Published != nil && s.Published.Generation == p.Generation {
		if published := *s.Published; published.Version != p.Version || published.AsOfMillis != p.AsOfMillis || published.Definition != p.Definition {
			return false, &Error{Reason: ScoresOutOfOrder, Field: "publish",
				Message: fmt.Sprintf("generation %d of score %s is published already, of version %s", p.Generation, value.Quote(p.Name), value.Quote(published.Version))}
		}
		return true, nil
	}
	if s == nil || s.Staged == nil || s.Staged.Generation != p.Generation {
		return false, &Error{Reason: ScoresOutOfOrder, Field: "publish",
			Message: fmt.Sprintf("generation %d of score %s is not staged, so it cannot be published", p.Generation, value.Quote(p.Name))}
	}
	return false, nil
}

// DropScores takes the scores of some names away in one step, published and staged, and returns the position of that in the log once it is
// on disk. From then on the names are unknown. If one of them is unknown already, that is an error, and nothing is taken away.
func (a *App) DropScores(ctx context.Context, names ...string) (position uint64, err error) {
	return a.changeScores(ctx, func(v *index.Version) (*batch.Batch, error) {
		for _, name := range names {
			if v.Score(name) == nil {
				return nil, unknownScore(name, scoreNames(v, func(*index.Score) bool { return true }), "name")
			}
		}
		return &batch.Batch{ScoreDrops: names}, nil
	})
}

// changeScores writes the change that is asked for, or nothing when that is nil. Changes of scores are made one at a time,
// each in full view of those before it, so that what is checked here is what the applier finds.
func (a *App) changeScores(ctx context.Context, change func(v *index.Version) (*batch.Batch, error)) (position uint64, err error) {
	if err := a.scoring.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer a.scoring.Release(1)
	if err := a.awaitScores(ctx); err != nil {
		return 0, err
	}
	v, release := a.index.Pin()
	b, err := change(v)
	release()
	if err != nil {
		return 0, err
	}
	if err := a.whyBroken(); err != nil {
		return 0, err
	}
	if b == nil {
		return a.wal.Last(), nil
	}
	if err := a.whyUnsaved(); err != nil && a.index.DirtyBytes() > a.options.CheckpointBytes {
		return 0, err // as for a Write
	}
	b.ReceivedMillis = a.options.Clock().UnixMilli()
	p, _, err := a.send(ctx, b, 0)
	a.lastScores = p
	if err != nil {
		return 0, err
	}
	return p.position, nil
}

// awaitScores waits until the last change of scores, whose writer may have gone, is visible or has failed.
func (a *App) awaitScores(ctx context.Context) error {
	if a.lastScores == nil {
		return nil
	}
	select {
	case <-a.lastScores.settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	if position := a.lastScores.position; position > a.index.Position() {
		if err := a.await(ctx, position); err != nil {
			return err
		}
	}
	a.lastScores = nil
	return nil
}

// unknownScore is the error about a score that is not there.
func unknownScore(name string, known []string, field string) error {
	return &Error{Reason: ScoreUnknown, Field: field, Message: unknownScoreMessage(name, known)}
}

// moment returns a moment of milliseconds.
func moment(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
