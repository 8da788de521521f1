package load

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
)

// zonedRows are opens, all but the last in one offset.
func zonedRows(rows int, last string) string {
	var b strings.Builder
	b.WriteString("cid,time\n")
	for i := range rows - 1 {
		fmt.Fprintf(&b, "c%d,2026-03-01T10:00:00+07:00\n", i)
	}
	fmt.Fprintf(&b, "last,2026-03-01T10:00:00%s\n", last)
	return b.String()
}

func TestOffsetsAreTold(t *testing.T) {
	same, other, none := write(t, "same.csv", zonedRows(3, "+07:00")), write(t, "other.csv", zonedRows(2, "-05:30")), write(t, "none.csv", zonedRows(1, "Z"))
	zero := write(t, "zero.csv", zonedRows(1, "+00:00"))
	for name, c := range map[string]struct {
		files   []string
		rule    OffsetRule
		kind    Kind
		want    Offsets
		offsets int // rows that are sent with one
	}{
		"none":                    {files: []string{none}},
		"one":                     {files: []string{same}, want: Offsets{3, "+07:00", "+07:00", false}},
		"one, and none":           {files: []string{same, none}, want: Offsets{3, "+07:00", "+07:00", false}},
		"one, as said":            {files: []string{same}, rule: OffsetsClock, want: Offsets{3, "+07:00", "+07:00", true}, offsets: 3},
		"two in two files":        {files: []string{same, zero}, want: Offsets{4, "+00:00", "+07:00", true}, offsets: 4},
		"two in the last file":    {files: []string{none, same, other}, want: Offsets{5, "-05:30", "+07:00", true}, offsets: 5},
		"two, ignored":            {files: []string{same, other}, rule: OffsetsIgnore},
		"two, of no kind's clock": {files: []string{same, other}, kind: Profiles},
	} {
		t.Run(name, func(t *testing.T) {
			job := purchases(c.files...)
			job.Offsets = c.rule
			if c.kind != "" {
				job.Kind, job.Event = c.kind, ""
			}
			fake := &fakeIngest{}
			sum, err := Run(t.Context(), fake.serve(t), job, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sum.Offsets); diff != "" {
				t.Error(diff)
			}
			if got := strings.Count(joined(fake.rows), " offset:"); got != c.offsets {
				t.Errorf("%d rows have an offset, want %d: %s", got, c.offsets, joined(fake.rows))
			}
		})
	}
}

// TestOffsetsAreDecidedAlike: a load that goes on takes offsets for what the interrupted one took them for, although the file it went through first has only one.
func TestOffsetsAreDecidedAlike(t *testing.T) {
	a, b := write(t, "a.csv", zonedRows(35, "+07:00")), write(t, "b.csv", zonedRows(12, "+09:00"))
	run := func(job Job, fake *fakeIngest) (Summary, error) {
		job.batchRows = 10
		return Run(t.Context(), fake.serve(t), job, nil)
	}
	undisturbed := &fakeIngest{}
	whole, err := run(purchases(a, b), undisturbed)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(joined(undisturbed.rows), " offset:420") != 46 {
		t.Fatal(joined(undisturbed.rows))
	}
	dead := connect.NewError(connect.CodeInternal, errors.New("killed"))
	for i := 1; i <= undisturbed.calls; i++ {
		fake := &fakeIngest{}
		fake.after = func(call int) error {
			if call == i {
				return dead
			}
			return nil
		}
		if _, err := run(purchases(a, b), fake); err == nil {
			t.Fatalf("call %d did not fail", i)
		}
		fake.after = nil
		// From standard input, in the other order, what it decides is the same as well.
		job := purchases(b, "-")
		job.Stdin, job.TempDir = strings.NewReader(zonedRows(35, "+07:00")), t.TempDir()
		second, err := run(job, fake)
		if err != nil || second.Offsets != whole.Offsets {
			t.Fatalf("call %d: %+v, %v", i, second.Offsets, err)
		}
		for _, row := range fake.rows {
			if !strings.Contains(row, " offset:") {
				t.Fatalf("call %d: %s", i, row)
			}
		}
		if len(fake.rows) != len(undisturbed.rows) {
			t.Fatalf("call %d: %d rows, want %d", i, len(fake.rows), len(undisturbed.rows))
		}
	}
}

func BenchmarkOffsets(b *testing.B) {
	const rows = 200_000
	for _, c := range []struct {
		name string
		rule OffsetRule
	}{{"auto", OffsetsAuto}, {"ignore", OffsetsIgnore}} {
		b.Run(c.name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("cid,time,amount,screen\n")
			for i := range rows {
				fmt.Fprintf(&text, "%032x,2026-01-%02dT10:%02d:%02d+0%d:00,%d.%d,home %d\n", i, 1+i%28, i/60%60, i%60, i%9, i%100, i%10, i%50)
			}
			job := Job{Kind: Events, Event: "open", Files: []string{write(b, "f.csv", text.String())}, Zone: time.UTC, Clock: SystemClock(), Offsets: c.rule}
			for b.Loop() {
				if sum, err := Run(b.Context(), discard{}, job, nil); err != nil || sum.Accepted != rows {
					b.Fatal(sum, err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
