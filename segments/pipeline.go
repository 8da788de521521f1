package segments

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"whowhen.dev/whowhen/segments/batch"
)

// commit is the committer: it takes whatever has queued up, appends it to the log with one
// fsync, acknowledges, and hands it to the applier.
func (a *App) commit() {
	defer close(a.applies)
	const mostBytes = 16 << 20
	for first := range a.commits {
		group := []*pending{first}
		<-first.encoded
		bytes := len(first.payload)
	gather:
		for bytes < mostBytes {
			select {
			case p, open := <-a.commits:
				if !open {
					break gather
				}
				<-p.encoded
				group, bytes = append(group, p), bytes+len(p.payload)
			default:
				break gather
			}
		}
		a.commitGroup(group)
	}
}

func (a *App) commitGroup(group []*pending) {
	// A batch without a payload is one whose encoding panicked. Those behind it may build on it.
	if i := slices.IndexFunc(group, func(p *pending) bool { return p.payload == nil }); i >= 0 {
		a.fail(errors.New("a batch could not be encoded"))
	}
	payloads := make([][]byte, len(group))
	for i, p := range group {
		payloads[i] = p.payload
	}
	err := a.whyBroken()
	if err == nil {
		var last uint64
		// A crash before this returns: nobody was told. After: the log has all of it.
		if last, err = a.wal.Append(payloads...); err == nil {
			for i, p := range group {
				p.position = last - uint64(len(group)-1-i)
			}
		} else {
			a.fail(err)
			err = a.whyBroken()
		}
	}
	for _, p := range group {
		a.grownBytes.Add(int64(len(p.payload)))
		p.payload = nil
		a.admission.settle(p, err)
		p.done <- err
		if err == nil {
			a.applies <- p
		} else {
			a.room.Release(p.weight)
		}
	}
}

// apply is the applier: it makes what is on disk visible, in the order of the log, and between two groups
// takes out what is no longer kept.
func (a *App) apply() {
	const sweepEvery = 10 * time.Minute
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case first, open := <-a.applies:
			if !open {
				return
			}
			a.applyGroup(first)
		case <-ticker.C:
			a.sweep() // it tells operators itself, and comes again
		case done := <-a.sweeps:
			done <- a.sweep()
		}
	}
}

func (a *App) applyGroup(first *pending) {
	group, weight := []*pending{first}, first.weight
gather:
	for weight < batch.MaxRecords {
		select {
		case p, open := <-a.applies:
			if !open {
				break gather
			}
			group, weight = append(group, p), weight+p.weight
		default:
			break gather
		}
	}
	// What is acknowledged becomes visible, also when the app takes no more writes.
	if !a.stuck.Load() {
		batches := make([]*batch.Batch, len(group))
		for i, p := range group {
			batches[i] = p.batch
		}
		if err := a.index.Apply(batches, group[len(group)-1].position); err != nil {
			a.stuck.Store(true)
			a.fail(fmt.Errorf("applying the log up to position %d: %w", group[len(group)-1].position, err))
		}
	}
	a.room.Release(weight)
	a.announce()
	a.pace()
}

// pace asks for a checkpoint when enough is unsaved, and holds the applier, and so in time the writers,
// while memory is full of what is not saved.
func (a *App) pace() {
	dirty := a.index.DirtyBytes()
	if dirty < a.options.CheckpointBytes {
		return
	}
	select {
	case a.save <- struct{}{}:
	default:
	}
	const tooMuch = 8
	for a.index.DirtyBytes() > tooMuch*a.options.CheckpointBytes && a.whyBroken() == nil && a.whyUnsaved() == nil {
		select {
		case <-a.stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkpoints saves the index when asked to, and every minute if there is anything to save. While there is
// no room on the disk it tries again every second.
func (a *App) checkpoints() {
	const usually, impatiently = time.Minute, time.Second
	ticker := time.NewTicker(usually)
	defer ticker.Stop()
	if a.whyUnsaved() != nil { // since the opening
		ticker.Reset(impatiently)
	}
	for {
		select {
		case <-a.stop:
			return
		case <-a.save:
		case <-ticker.C:
		}
		err := a.checkpoint()
		if errors.Is(err, errNoRoom) && a.makeRoom() {
			err = a.checkpoint()
		}
		switch {
		case errors.Is(err, errNoRoom):
			if a.whyUnsaved() == nil {
				a.logger.Warn("the index is not saved; the log has everything, and it is tried again every second", "cause", err)
			}
			ticker.Reset(impatiently)
		case err != nil:
			a.fail(fmt.Errorf("saving the index: %w", err))
			return
		default:
			ticker.Reset(usually)
			select {
			case a.wasSaved <- struct{}{}:
			default: // it has not come round to the last one
			}
		}
		a.setUnsaved(err)
	}
}

func (a *App) checkpoint() error {
	position, err := a.index.Checkpoint(a.admission.storable, a.clock.past(a.options.Clock())-batchIDTTL.Milliseconds())
	if err != nil {
		return err
	}
	a.admission.forget(position)
	a.saved.Store(position)
	return nil
}
