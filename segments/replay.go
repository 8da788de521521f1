package segments

import (
	"errors"
	"fmt"
	"io"
	"time"

	"whowhen.dev/whowhen/segments/batch"
)

// replay applies what the log has and the index has not, by the same code as the applier.
func (a *App) replay() error {
	from, last := a.index.Position()+1, a.wal.Last()
	if from > last {
		return nil
	}
	a.logger.Info("applying the log", "from", from, "to", last)
	reader := a.wal.Read(from)
	defer reader.Close()
	var group []*batch.Batch
	records, position, told := 0, from-1, time.Now()
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		if err := a.index.Apply(group, position); err != nil {
			return err
		}
		group, records = nil, 0
		if a.index.DirtyBytes() > a.options.CheckpointBytes {
			// Without room on the disk it all stays in memory: reads are to go on.
			if err := a.checkpoint(); errors.Is(err, errNoRoom) {
				a.setUnsaved(err)
			} else if err != nil {
				return err
			}
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			a.logger.Info("applying the log", "at", position, "to", last)
		}
		return nil
	}
	for {
		at, payload, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		b, err := batch.Decode(payload)
		if err != nil {
			return fmt.Errorf("position %d of the log: %w", at, err)
		}
		a.admission.remember(b, at)
		position = at
		group, records = append(group, b), records+b.Records()
		if records >= batch.MaxRecords {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
