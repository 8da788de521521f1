package segments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"whowhen.dev/whowhen/segments/batch"
)

// replay applies what the log has and the index has not, by the same code as the applier. When ctx is done it ends
// after the group at hand; what was saved till then is not applied again.
func (a *App) replay(ctx context.Context) error {
	from, last := a.index.Position()+1, a.wal.Last()
	if from > last {
		return nil
	}
	a.logger.Info("applying the log", "from", from, "to", last)
	a.progress.begin("applying the log")
	a.progress.positions(from, from-1, last, 0)
	r := replayer{app: a, ctx: ctx, from: from, last: last, position: from - 1}
	begun := time.Now()
	if err := r.run(); err != nil {
		return err
	}
	a.logger.Info("the log is applied", "to", last, "records", r.records, "seconds", time.Since(begun).Seconds())
	return nil
}

// mostGroupBytes bounds what is read ahead of the index: scores are large, and are no records.
const mostGroupBytes = 16 << 20

type replayer struct {
	app        *App
	ctx        context.Context
	from, last uint64

	group        []*batch.Batch // read and not applied
	groupRecords int
	groupBytes   int
	position     uint64 // of the last batch that was read
	records      uint64 // applied
}

func (r *replayer) run() error {
	reader := r.app.wal.Read(r.from)
	defer reader.Close()
	for {
		at, payload, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return r.apply()
		}
		if err != nil {
			return err
		}
		b, err := batch.Decode(payload)
		if err != nil {
			return fmt.Errorf("position %d of the log: %w", at, err)
		}
		r.app.admission.remember(b, at)
		r.position = at
		r.group, r.groupRecords, r.groupBytes = append(r.group, b), r.groupRecords+b.Records(), r.groupBytes+len(payload)
		if r.groupRecords >= batch.MaxRecords || r.groupBytes >= mostGroupBytes {
			if err := r.apply(); err != nil {
				return err
			}
		}
	}
}

// apply applies the group, and saves the index when enough of it is not saved.
func (r *replayer) apply() error {
	a := r.app
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if len(r.group) == 0 {
		return nil
	}
	if err := a.index.Apply(r.group, r.position); err != nil {
		return err
	}
	r.records += uint64(r.groupRecords)
	r.group, r.groupRecords, r.groupBytes = nil, 0, 0
	a.progress.positions(r.from, r.position, r.last, r.records)
	if a.index.DirtyBytes() <= a.options.CheckpointBytes {
		return nil
	}
	// Without room on the disk it all stays in memory: reads are to go on.
	if err := a.checkpoint(); errors.Is(err, errNoRoom) {
		a.setUnsaved(err)
	} else if err != nil {
		return err
	}
	return nil
}
