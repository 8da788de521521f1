package load

import (
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/value"
)

// The limits on one batch bound its memory here and its size on the wire.
const (
	maxBatchRows     = 16 << 10 // that are sent or rejected
	maxBatchFileRows = 1 << 20  // with those that are skipped
	maxBatchBytes    = 4 << 20  // of records as they are in the file
	maxBatchCells    = 3 << 16  // in its tables, absent ones included; what takes more counts for several
	maxBatchTables   = 1024
)

// pending is a batch on its way to the server. The records are kept until the server has
// answered, to write those that it rejects to the rejects file.
type pending struct {
	request  *whowhenv1.WriteRequest
	firstRow uint64
	rows     uint64 // of the file
	skipped  uint64
	last     bool
	kept     []keptRow // those sent and those rejected, in order
	text     []byte    // of the records kept, back to back
	rejects  []ownReject
	order    []uint32 // by index of a record in the request: its place in kept
	bytes    int64    // of the file as it is that had been read at the batch's end
}

// keptRow is a record that was not skipped.
type keptRow struct {
	row  uint64 // of the file, from 0
	line uint64
	end  uint32 // in the batch's text
}

// ownReject is a record that the loader rejected.
type ownReject struct {
	place uint32 // in kept
	fault *fault
}

// record returns the text of a record.
func (b *pending) record(place uint32) []byte {
	from := uint32(0)
	if place > 0 {
		from = b.kept[place-1].end
	}
	return b.text[from:b.kept[place].end]
}

// batcher gathers rows into batches. Rows that can contradict each other stay in order: those of one
// tag, and all profile changes. For one goroutine.
type batcher struct {
	plan    *plan
	loadID  string
	maxRows int
	kinds   []value.Kind // by property
	dicts   []*dict      // free ones

	sizes  map[string]int // rows by name in the batch before, for the capacity of slices
	batch  *pending
	tables []*table
	open   map[string]*openTables // by name
	cells  int
}

// openTables are the tables that rows of one name go to.
type openTables struct{ timed, untimed, newest *table }

func newBatcher(p *plan, loadID string, firstRow uint64) *batcher {
	b := &batcher{plan: p, loadID: loadID, maxRows: p.job.batchRows}
	if b.maxRows == 0 {
		b.maxRows = maxBatchRows
	}
	for _, prop := range p.props {
		b.kinds = append(b.kinds, p.slotKind(prop.slot))
	}
	b.begin(firstRow)
	return b
}

func (b *batcher) begin(firstRow uint64) {
	b.batch = &pending{firstRow: firstRow}
	b.tables, b.open, b.cells = nil, map[string]*openTables{}, 0
}

// full says whether the batch must go out before it takes another row.
func (b *batcher) full() bool {
	return len(b.batch.kept) >= b.maxRows || b.batch.rows >= maxBatchFileRows || len(b.batch.text) >= maxBatchBytes ||
		b.cells >= maxBatchCells || len(b.tables) >= maxBatchTables
}

// take takes the next record of the file with what became of it; r is that of a taken one.
func (b *batcher) take(rec *record, what outcome, f *fault, r *row) {
	at := uint32(len(b.batch.kept))
	number := b.batch.firstRow + b.batch.rows
	b.batch.rows++
	if what == skipped {
		b.batch.skipped++
		return
	}
	b.batch.text = append(b.batch.text, rec.raw...)
	b.batch.kept = append(b.batch.kept, keptRow{row: number, line: rec.line, end: uint32(len(b.batch.text))})
	if what == rejected {
		b.batch.rejects = append(b.batch.rejects, ownReject{at, f})
		return
	}
	t := b.table(r)
	before := len(t.columns)
	if !t.add(b.plan.job.Kind, at, r, b.plan.props, b.kinds, &b.dicts) {
		b.retire(t)
		t, before = b.table(r), 0
		t.add(b.plan.job.Kind, at, r, b.plan.props, b.kinds, &b.dicts)
	}
	b.cells += len(t.columns) + (len(t.columns)-before)*(columnCells+len(t.rows)-1) + extraCells(r)
}

// columnCells is how many cells a column counts for by itself.
const columnCells = 8

// extraCells returns for how many cells the values of a row count beyond one each: those that go out one by one,
// because they are lists or, having so many digits, may not fit the scale of their column.
func extraCells(r *row) (n int) {
	const manyDigits = 1e12
	for _, d := range r.values {
		switch {
		case d.kind == value.List:
			n += 3 + len(d.list)
		case d.kind == value.Number && (d.number.Coef > manyDigits || d.number.Coef < -manyDigits || d.number.Scale > 6):
			n += 2
		}
	}
	return n
}

// table returns the table that a row belongs to.
func (b *batcher) table(r *row) *table {
	open := b.open[string(r.name)]
	if open == nil {
		open = &openTables{}
		b.open[string(r.name)] = open
	}
	slot := &open.untimed
	if r.timed {
		slot = &open.timed
	}
	// Only events may be taken out of their order.
	stale := b.plan.job.Kind != Events && *slot != open.newest
	if *slot == nil || stale || (*slot).remove != r.remove {
		*slot = newTable(r, len(b.plan.props), b.sizes[string(r.name)])
		open.newest = *slot
		b.tables = append(b.tables, *slot)
	}
	return *slot
}

// retire makes the next row that would go to t begin another table.
func (b *batcher) retire(t *table) {
	if t.timed {
		b.open[t.name].timed = nil
	} else {
		b.open[t.name].untimed = nil
	}
}

// finish hands out the batch and begins the next one.
func (b *batcher) finish(last bool) *pending {
	done := b.batch
	done.last = last
	done.request = &whowhenv1.WriteRequest{
		App: b.plan.job.App,
		Load: &whowhenv1.LoadRows{
			LoadId: b.loadID, FirstRow: done.firstRow, Rows: done.rows,
			RejectedRows: uint64(len(done.rejects)), SkippedRows: done.skipped, Last: last,
		},
	}
	b.sizes = map[string]int{}
	for _, t := range b.tables {
		b.sizes[t.name] = len(t.rows)
		done.order = append(done.order, t.rows...)
		switch b.plan.job.Kind {
		case Events:
			done.request.EventColumns = append(done.request.EventColumns, t.events(&b.dicts))
		case Tags:
			done.request.TagColumns = append(done.request.TagColumns, t.tags())
		case Profiles:
			done.request.ProfileColumns = append(done.request.ProfileColumns, t.profiles(&b.dicts))
		}
	}
	b.dicts = trimDicts(b.dicts)
	b.begin(done.firstRow + done.rows)
	b.batch.text = make([]byte, 0, len(done.text)+len(done.text)/8)
	b.batch.kept = make([]keptRow, 0, len(done.kept))
	return done
}
