package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"whowhen.dev/whowhen/cmd/internal/load"
	"whowhen.dev/whowhen/segments/bench"
)

// load loads CSV files of events of CIDs that are there, each with its own content since a file is loaded once.
func (r *benchRun) load(ctx context.Context, a *api) (bench.Figure, error) {
	const most, perCID, different = 1_000_000, 5, 3
	rows := min(most, r.data.CIDs/perCID)
	f := bench.Figure{Name: benchLoad, CIDs: r.data.CIDs, Note: fmt.Sprintf("rows per second of a CSV file with %s and 5 columns, until all can be seen", plural(uint64(rows), "row", "rows"))}
	dir, err := r.tempDir()
	if err != nil {
		return f, err
	}
	before, err := r.written()
	if err != nil {
		return f, err
	}
	var samples bench.Samples
	accepted := uint64(0)
	for i := range min(different, r.pace.Rounds) {
		file := filepath.Join(dir, strconv.Itoa(i)+".csv")
		if err := r.writeCSV(file, i, rows); err != nil {
			return f, err
		}
		start := r.main.Clock.Now()
		summary, err := load.Run(ctx, a.ingest, load.Job{
			Kind: load.Events, Files: []string{file}, Zone: time.UTC, Clock: r.main.Clock, RejectsPath: file + ".rejects",
		}, nil)
		if err == nil {
			err = a.waitUntilVisible(ctx, &Main{}, summary.Position)
		}
		if err == nil && summary.Rejected > 0 {
			err = fmt.Errorf("%d rows were rejected", summary.Rejected)
		}
		if err != nil {
			return f, err
		}
		samples = append(samples, r.main.Clock.Now().Sub(start))
		accepted += summary.Accepted
	}
	f.Times(samples)
	f.PerSecond = float64(rows) / samples.Quantile(.5).Seconds()
	if sent := uint64(len(samples) * rows); accepted != sent {
		return f, fmt.Errorf("%d rows were sent, %d accepted", sent, accepted)
	}
	return f, r.counted(&f, before, accepted)
}

// writeCSV writes a file of events, whose rows are in the order of time, as exports are.
func (r *benchRun) writeCSV(name string, number, rows int) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriterSize(file, 1<<20)
	random := rand.New(rand.NewPCG(r.data.Seed, uint64(number)))
	const hours = 12
	end, step := r.data.Clock(), hours*time.Hour/time.Duration(rows)
	categories := r.data.Categories()
	line := []byte("cid,time,event,category,amount\n")
	for i := range rows {
		if _, err := w.Write(line); err != nil {
			return err
		}
		cid := r.data.CID(random.Uint32N(uint32(r.data.CIDs)))
		line = fmt.Appendf(line[:0], "%x,", cid)
		line = end.Add(-time.Duration(rows-i)*step).AppendFormat(line, "2006-01-02T15:04:05.000Z07:00")
		line = append(line, ","+benchWritten+","...)
		line = append(line, categories[random.IntN(len(categories))]...)
		cents := 100 + random.Uint32N(100_000)
		line = fmt.Appendf(line, ",%d.%02d\n", cents/100, cents%100)
	}
	if _, err := w.Write(line); err != nil {
		return err
	}
	return w.Flush()
}
