package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// manyRows is a file of rows that are taken, skipped, rejected here and rejected there.
func manyRows(rows int) string {
	var b strings.Builder
	b.WriteString("cid,event,n\n")
	for i := range rows {
		switch i % 10 {
		case 3:
			fmt.Fprintf(&b, ",open,%d\n", i)
		case 5:
			fmt.Fprintf(&b, "c%d,open,-%d\n", i, i)
		case 7:
			fmt.Fprintf(&b, "late%d,buy,%d\n", i, i)
		default:
			fmt.Fprintf(&b, "c%d,%s,%d\n", i, []string{"open", "buy"}[i%2], i)
		}
	}
	return b.String()
}

func lateCIDs(line string) *whowhenv1.Reject {
	if strings.Contains(line, " late") {
		return &whowhenv1.Reject{Field: "cid", Reason: "LATE", Message: "late"}
	}
	return nil
}

func manyRowsJob(t *testing.T, files ...string) Job {
	job := purchases(files...)
	job.Event, job.Where, job.batchRows = "", "n >= 0", 10
	job.RejectsPath = filepath.Join(t.TempDir(), "rejects.csv")
	return job
}

func TestInterruptedAtEachCall(t *testing.T) {
	a, b := write(t, "a.csv", manyRows(95)), write(t, "b.csv", manyRows(30))
	undisturbed := &fakeIngest{reject: lateCIDs}
	job := manyRowsJob(t, a, b)
	whole, err := Run(t.Context(), undisturbed.serve(t), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Rows != 125 || whole.Accepted != 88 || whole.Skipped != 12 || whole.RejectedBy["LATE"] != 12 || whole.RejectedBy["CID_EMPTY"] != 13 {
		t.Fatalf("undisturbed: %+v", whole)
	}
	dead := connect.NewError(connect.CodeInternal, errors.New("killed"))
	for _, written := range []bool{false, true} { // whether the call that fails has done its work
		for i := 1; i <= undisturbed.calls; i++ {
			fake := &fakeIngest{reject: lateCIDs}
			die := func(call int) error {
				if call == i {
					return dead
				}
				return nil
			}
			if written {
				fake.after = die
			} else {
				fake.before = die
			}
			client := fake.serve(t)
			job := manyRowsJob(t, a, b)
			first, err := Run(t.Context(), client, job, nil)
			if err == nil {
				t.Fatalf("call %d did not fail", i)
			}
			fake.before, fake.after = nil, nil
			second, err := Run(t.Context(), client, job, nil)
			if err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			if diff := cmp.Diff(joined(undisturbed.rows), joined(fake.rows)); diff != "" {
				t.Fatalf("call %d, written %v: %s", i, written, diff)
			}
			if second.Earlier.Rows+second.Rows != whole.Rows || second.Earlier.Accepted+second.Accepted != whole.Accepted ||
				second.Earlier.Rejected+second.Rejected != whole.Rejected || second.Earlier.Skipped+second.Skipped != whole.Skipped {
				t.Fatalf("call %d: first %+v, then %+v", i, first, second)
			}
			got := reasons(t, job.RejectsPath)
			if loaderSide(got) != loaderSide(reasons(t, whole.RejectsPath)) {
				t.Fatalf("call %d, written %v: rejects %s", i, written, got)
			}
			if !written && got != reasons(t, whole.RejectsPath) {
				t.Fatalf("call %d: rejects %s", i, got)
			}
		}
	}
}

// loaderSide leaves of the reasons those of the loader.
func loaderSide(reasons string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(reasons, ", "), func(r string) bool { return strings.HasPrefix(r, "LATE") }), ", ")
}

func TestLoadedTwice(t *testing.T) {
	fake := &fakeIngest{}
	client := fake.serve(t)
	file := write(t, "a.csv", "cid,v\n1,2\n")
	if sum, err := Run(t.Context(), client, purchases(file), nil); err != nil || sum.AlreadyLoaded() {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
	// The name and the file's compression do not matter, the flags do.
	again := write(t, "other.csv", "cid,v\n1,2\n")
	sum, err := Run(t.Context(), client, purchases(again, file), nil)
	if err != nil || !sum.AlreadyLoaded() || sum.Rows != 0 || sum.Files[0].Earlier.Accepted != 1 || sum.Files[0].Position != 1 {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
	if fake.writes != 1 {
		t.Errorf("%d writes", fake.writes)
	}
	job := purchases(file)
	job.Event = "open"
	if sum, err := Run(t.Context(), client, job, nil); err != nil || sum.AlreadyLoaded() || sum.Accepted != 1 {
		t.Fatalf("Run = %+v, %v", sum, err)
	}
}

func TestLoadID(t *testing.T) {
	base := func() Job {
		job := purchases("f")
		job.Map = []Pair{{"cid", "a"}, {"time", "b"}}
		return job
	}
	id := func(job Job, content byte) string {
		p, err := newPlan(&job)
		if err != nil {
			t.Fatal(err)
		}
		return loadID(p, CSV, [32]byte{content})
	}
	seen := map[string]int{id(base(), 0): -1, id(base(), 1): -2}
	for i, change := range []func(*Job){
		func(j *Job) { j.Event = "x" }, func(j *Job) { j.Map = j.Map[:1] }, func(j *Job) { j.Map[0].Name, j.Map[1].Name = "time", "cid" }, func(j *Job) { j.Only = true },
		func(j *Job) { j.Types = []Pair{{"c", "number"}} }, func(j *Job) { j.Where = "a = 1" }, func(j *Job) { j.Set = []Pair{{"c", "a"}} }, func(j *Job) { j.Zone = time.Local },
		func(j *Job) { j.TimeFormat = "%F" }, func(j *Job) { j.TimeUnit = "s" }, func(j *Job) { j.At = time.Time{} }, func(j *Job) { j.Offsets = OffsetsIgnore }, func(j *Job) { j.Offsets = OffsetsClock }, func(j *Job) { j.Kind, j.Event = Profiles, "" },
	} {
		job := base()
		change(&job)
		got := id(job, 0)
		if other, twice := seen[got]; twice {
			t.Errorf("changes %d and %d have one id", i, other)
		}
		seen[got] = i
	}
	same := base()
	slices.Reverse(same.Map)
	same.App, same.RejectsPath, same.Files = "other", "r", []string{"g"}
	if id(same, 0) != id(base(), 0) {
		t.Error("what does not shape rows changes the id")
	}
}

func TestRetries(t *testing.T) {
	file := write(t, "a.csv", manyRows(50))
	undisturbed := &fakeIngest{reject: lateCIDs}
	whole, err := Run(t.Context(), undisturbed.serve(t), manyRowsJob(t, file), nil)
	if err != nil {
		t.Fatal(err)
	}
	unavailable := func(call int) error {
		if call%3 != 0 {
			return connect.NewError(connect.CodeUnavailable, errors.New("busy"))
		}
		return nil
	}
	t.Run("before the write", func(t *testing.T) {
		fake := &fakeIngest{reject: lateCIDs}
		calls := 0
		fake.before = func(int) error { calls++; return unavailable(calls) }
		retrying := 0
		sum, err := Run(t.Context(), fake.serve(t), manyRowsJob(t, file), func(p Progress) {
			if p.Retrying != nil {
				retrying++
			}
		})
		if err != nil || retrying == 0 {
			t.Fatalf("Run = %+v, %v after %d retries", sum, err, retrying)
		}
		if diff := cmp.Diff(whole.Counts, sum.Counts); diff != "" || joined(fake.rows) != joined(undisturbed.rows) {
			t.Error(diff)
		}
	})
	t.Run("after the write", func(t *testing.T) {
		fake := &fakeIngest{reject: lateCIDs}
		last := -1
		fake.after = func(int) error { // the first answer after each write gets lost
			if fake.writes != last {
				last = fake.writes
				return withInfo(connect.CodeUnavailable, "GONE", true)
			}
			return nil
		}
		sum, err := Run(t.Context(), fake.serve(t), manyRowsJob(t, file), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole.Counts, sum.Counts); diff != "" || joined(fake.rows) != joined(undisturbed.rows) {
			t.Error(diff)
		}
		if sum.RejectedBy[reasonLost] != whole.RejectedBy["LATE"] || len(sum.Warnings) == 0 {
			t.Errorf("summary %+v", sum)
		}
	})
	t.Run("no end", func(t *testing.T) {
		fake := &fakeIngest{before: func(int) error { return connect.NewError(connect.CodeResourceExhausted, errors.New("disk full")) }}
		job := manyRowsJob(t, file)
		waited := time.Duration(0)
		job.Clock.Sleep = func(_ context.Context, d time.Duration) error { waited += d; return nil }
		_, err := Run(t.Context(), fake.serve(t), job, nil)
		if connect.CodeOf(err) != connect.CodeResourceExhausted || waited < time.Minute || waited > 5*time.Minute {
			t.Errorf("after %v: %v", waited, err)
		}
	})
	t.Run("not retryable", func(t *testing.T) {
		fake := &fakeIngest{}
		tries := 0
		fake.before = func(call int) error {
			if call == 2 {
				tries++
				return withInfo(connect.CodeResourceExhausted, "BATCH_TOO_LARGE", false)
			}
			return nil
		}
		sum, err := Run(t.Context(), fake.serve(t), manyRowsJob(t, file), nil)
		if err == nil || tries != 1 || !strings.Contains(err.Error(), "were not taken") || sum.Rows == 0 {
			t.Errorf("Run = %+v, %v after %d tries", sum, err, tries)
		}
	})
}

func TestTwoLoadsAtOnce(t *testing.T) {
	fake := &fakeIngest{}
	client := fake.serve(t)
	job := manyRowsJob(t, write(t, "a.csv", manyRows(50)))
	other := job
	other.batchRows = 17
	raced := false
	_, err := Run(t.Context(), client, job, func(p Progress) {
		if p.Phase == Loading && !raced {
			raced = true
			if _, err := Run(t.Context(), client, other, nil); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "another load of the same file is running") {
		t.Errorf("the error is %v", err)
	}
	sum, err := Run(t.Context(), client, job, nil)
	if err != nil || !sum.AlreadyLoaded() || sum.Earlier.Rows != 50 {
		t.Errorf("Run = %+v, %v", sum, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	fake := &fakeIngest{}
	_, err := Run(ctx, fake.serve(t), manyRowsJob(t, write(t, "a.csv", manyRows(100))), func(p Progress) {
		if p.Phase == Loading && p.Rows > 30 {
			cancel()
		}
	})
	if err == nil || ctx.Err() == nil {
		t.Errorf("the error is %v", err)
	}
	if fake.writes == 0 || fake.writes == 10 {
		t.Errorf("%d writes", fake.writes)
	}
}

// TestUnanswered holds that rows sent without an answer are told apart from those that were refused.
func TestUnanswered(t *testing.T) {
	for name, c := range map[string]struct {
		fake       *fakeIngest
		unanswered bool
		want       string
	}{
		"interrupted":   {&fakeIngest{after: func(int) error { return connect.NewError(connect.CodeCanceled, context.Canceled) }}, true, "no answer came"},
		"no server":     {&fakeIngest{before: func(int) error { return connect.NewError(connect.CodeUnavailable, errors.New("gone")) }}, true, "no answer came"},
		"refused":       {&fakeIngest{before: func(int) error { return withInfo(connect.CodeInternal, "READ_ONLY", false) }}, false, "were not taken"},
		"nothing wrong": {&fakeIngest{}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			job := manyRowsJob(t, write(t, "a.csv", manyRows(100)))
			fake := c.fake
			before := fake.before
			fake.before = func(call int) error {
				if call < 3 || before == nil {
					return nil
				}
				return before(call)
			}
			after := fake.after
			fake.after = func(call int) error {
				if call < 3 || after == nil {
					return nil
				}
				return after(call)
			}
			sum, err := Run(t.Context(), fake.serve(t), job, nil)
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v", err)
			}
			taken := uint64(len(fake.rows))
			if (sum.Unanswered > 0) != c.unanswered || sum.Accepted > taken || taken > sum.Accepted+sum.Unanswered {
				t.Errorf("%d accepted and %d unanswered, %d were taken", sum.Accepted, sum.Unanswered, taken)
			}
		})
	}
}
