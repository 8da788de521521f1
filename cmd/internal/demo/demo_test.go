package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

var noon = time.Date(2026, 5, 20, 12, 30, 0, 0, time.UTC)

func small(now time.Time) Options { return Options{CIDs: 700, Days: 40, Now: now} }

// server is an app that counts what it is given, and fails when told to.
type server struct {
	whowhenv1connect.AdminServiceClient // for what is not called

	loads   map[string]*whowhenv1.GetLoadResponse
	cids    map[string]bool
	records map[string]int // by what they are
	latest  int64          // Unix milliseconds of the latest event
	failAt  int            // Write that fails; 0 for none
	writes  int
}

func newServer() *server {
	return &server{loads: map[string]*whowhenv1.GetLoadResponse{}, cids: map[string]bool{}, records: map[string]int{}}
}

func (s *server) Status(context.Context, *connect.Request[whowhenv1.StatusRequest]) (*connect.Response[whowhenv1.StatusResponse], error) {
	return connect.NewResponse(&whowhenv1.StatusResponse{Cids: uint64(len(s.cids))}), nil
}

func (s *server) GetLoad(_ context.Context, r *connect.Request[whowhenv1.GetLoadRequest]) (*connect.Response[whowhenv1.GetLoadResponse], error) {
	if state := s.loads[r.Msg.LoadId]; state != nil {
		return connect.NewResponse(state), nil
	}
	return connect.NewResponse(&whowhenv1.GetLoadResponse{}), nil
}

var errFull = errors.New("disk full")

func (s *server) Write(_ context.Context, r *connect.Request[whowhenv1.WriteRequest]) (*connect.Response[whowhenv1.WriteResponse], error) {
	s.writes++
	if s.writes == s.failAt {
		return nil, errFull
	}
	state := s.loads[r.Msg.Load.LoadId]
	if state == nil {
		state = &whowhenv1.GetLoadResponse{}
		s.loads[r.Msg.Load.LoadId] = state
	}
	if state.NextRow != r.Msg.Load.FirstRow || state.Finished {
		return nil, fmt.Errorf("row %d came, row %d is next", r.Msg.Load.FirstRow, state.NextRow)
	}
	rows := 0
	count := func(kind string, c *whowhenv1.CidColumn) {
		n := len(c.Strings) + len(c.Packed)/16
		s.records[kind] += n
		rows += n
		for _, cid := range c.Strings {
			s.cids[cid] = true
		}
		for i := 0; i < len(c.Packed); i += 16 {
			s.cids[fmt.Sprintf("%x", c.Packed[i:i+16])] = true
		}
	}
	for _, e := range r.Msg.EventColumns {
		count("event "+e.Name, e.Cids)
		for _, t := range e.TimeUnixMillis {
			s.latest = max(s.latest, t)
		}
	}
	for _, t := range r.Msg.TagColumns {
		count("tag "+t.Tag, t.Cids)
	}
	for _, p := range r.Msg.ProfileColumns {
		count("profile", p.Cids)
	}
	if uint64(rows) != r.Msg.Load.Rows {
		return nil, fmt.Errorf("batch of %d rows says %d", rows, r.Msg.Load.Rows)
	}
	state.NextRow += uint64(rows)
	state.Finished = r.Msg.Load.Last
	return connect.NewResponse(&whowhenv1.WriteResponse{Accepted: uint64(rows)}), nil
}

func TestMake(t *testing.T) {
	s := newServer()
	var last, all uint64
	o := small(noon)
	o.Progress = func(written, of uint64) { last, all = written, of }
	made, err := Make(t.Context(), s, s, o)
	if err != nil {
		t.Fatal(err)
	}
	if made.Outcome != Made || made.Records != all || last != all || made.Day.Format(time.DateOnly) != "2026-05-20" {
		t.Errorf("made %+v, progress ended at %d of %d", made, last, all)
	}
	if len(s.cids) != o.CIDs || s.records["profile"] != o.CIDs {
		t.Errorf("%d CIDs and %d profiles, want %d", len(s.cids), s.records["profile"], o.CIDs)
	}
	for k := range kinds {
		if s.records["event "+k.String()] == 0 {
			t.Errorf("no event is a %s", k)
		}
	}
	for _, tag := range []string{"vip", "lapsed", "beta", "newsletter", "trial", "voucher"} {
		if s.records["tag "+tag] == 0 {
			t.Errorf("nobody bears the tag %s", tag)
		}
	}
	if latest := time.UnixMilli(s.latest); latest.After(noon) || latest.Before(noon.Add(-12*time.Hour)) {
		t.Errorf("the latest event is at %v, want one shortly before %v", latest, noon)
	}
	before := maps.Clone(s.records)
	again, err := Make(t.Context(), s, s, small(noon.AddDate(0, 0, 3)))
	if err != nil || again.Outcome != WasThere || again.Records != 0 || !again.Day.Equal(made.Day) {
		t.Errorf("made again: %+v, %v", again, err)
	}
	if diff := cmp.Diff(before, s.records); diff != "" {
		t.Errorf("making again wrote something:\n%s", diff)
	}
}

func TestMakeCompletesAnInterruptedOne(t *testing.T) {
	whole := newServer()
	if _, err := Make(t.Context(), whole, whole, small(noon)); err != nil {
		t.Fatal(err)
	}
	for failAt := 1; failAt <= whole.writes; failAt++ {
		s := newServer()
		s.failAt = failAt
		if _, err := Make(t.Context(), s, s, small(noon)); !errors.Is(err, errFull) {
			t.Fatalf("write %d failed, but Make returned %v", failAt, err)
		}
		result, err := Make(t.Context(), s, s, small(noon))
		if err != nil {
			t.Fatalf("after write %d had failed: %v", failAt, err)
		}
		if want := Completed; failAt > 1 && result.Outcome != want {
			t.Errorf("after write %d had failed: outcome %v, want %v", failAt, result.Outcome, want)
		}
		if diff := cmp.Diff(whole.records, s.records); diff != "" {
			t.Errorf("after write %d had failed, not the same as made at once:\n%s", failAt, diff)
		}
	}
}

func TestMakeCompletesAtALaterDay(t *testing.T) {
	s := newServer()
	s.failAt = 12
	if _, err := Make(t.Context(), s, s, small(noon)); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	result, err := Make(t.Context(), s, s, small(noon.AddDate(0, 0, 2)))
	if err != nil || result.Outcome != Completed || result.Day.Format(time.DateOnly) != "2026-05-20" {
		t.Errorf("%+v, %v", result, err)
	}
	if latest := time.UnixMilli(s.latest).UTC(); latest.Format(time.DateOnly) != "2026-05-20" {
		t.Errorf("the latest event is at %v", latest)
	}
}

func TestMakeLeavesOtherDataAlone(t *testing.T) {
	s := newServer()
	s.cids["somebody"] = true
	result, err := Make(t.Context(), s, s, small(noon))
	if err != nil || result.Outcome != OtherInside || s.writes != 0 {
		t.Errorf("%+v, %v, %d writes", result, err, s.writes)
	}
}

func TestWorldComesFromTheSeed(t *testing.T) {
	make := func(seed uint64) *world {
		w, err := newWorld(t.Context(), seed, 300, 40, noon)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	a, b, other := make(1), make(1), make(2)
	equal := func(x, y *world) bool {
		return cmp.Equal(x.people, y.people, cmp.AllowUnexported(person{}, habits{})) && cmp.Equal(x.byDay, y.byDay, cmp.AllowUnexported(event{}))
	}
	if !equal(a, b) {
		t.Error("the same seed gave two worlds")
	}
	if equal(a, other) {
		t.Error("two seeds gave the same world")
	}
}

// TestThereIsSomethingToFind checks the regularities that models are meant to find.
func TestThereIsSomethingToFind(t *testing.T) {
	w, err := newWorld(t.Context(), seed, 4000, 60, noon)
	if err != nil {
		t.Fatal(err)
	}
	nearPeak, opens := 0, 0
	early, late := 0, 0 // opens of those who left in the middle, before and after
	var clicked, shown [2]int
	for day, dayParts := range w.byDay {
		for _, part := range dayParts {
			for _, e := range part {
				p := &w.people[e.person]
				favourite := 0
				if e.kind >= pushSent && w.campaigns[e.code].category == p.taste {
					favourite = 1
				}
				switch e.kind {
				case opened:
					opens++
					wall := int64(e.seconds) + int64(e.offset)*60
					hour := float64((wall%86400+86400)%86400) / 3600
					if d := hour - p.peak; d > -2 && d < 2 {
						nearPeak++
					}
					switch {
					case p.leaves < 25 || p.leaves > 35:
					case day < 20:
						early++
					case day >= 40:
						late++
					}
				case pushDisplayed:
					shown[favourite]++
				case pushClicked:
					clicked[favourite]++
				}
			}
		}
	}
	if share := float64(nearPeak) / float64(opens); share < 0.3 || share > 0.8 {
		t.Errorf("%.2f of the opens are within two hours of the person's usual hour", share)
	}
	if late*4 > early {
		t.Errorf("those who left opened %d times before and %d times after", early, late)
	}
	rate := func(i int) float64 { return float64(clicked[i]) / float64(shown[i]) }
	if rate(1) < 1.5*rate(0) {
		t.Errorf("click rates %.3f for favourite categories, %.3f for others", rate(1), rate(0))
	}
}

func TestPlaces(t *testing.T) {
	sum := 0
	for _, p := range places() {
		sum += p.perMille
		if _, err := time.LoadLocation(p.zone); err != nil {
			t.Error(err)
		}
	}
	if sum != 1000 {
		t.Errorf("shares sum up to %d", sum)
	}
}

func TestZoneClock(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock, err := newZoneClock("Europe/Berlin", from, from.AddDate(0, 2, 0))
	if err != nil {
		t.Fatal(err)
	}
	wall := time.Date(2026, 4, 1, 9, 30, 0, 0, time.UTC)
	if got, want := clock.toUTC(wall.Unix()), wall.Add(-2*time.Hour).Unix(); got != want {
		t.Errorf("9:30 in Berlin is %v, want %v", time.Unix(got, 0).UTC(), time.Unix(want, 0).UTC())
	}
	if got := clock.offsetMinutes(from.Unix()); got != 60 {
		t.Errorf("offset on 1 March is %d minutes", got)
	}
}

func BenchmarkWorld(b *testing.B) {
	for b.Loop() {
		w, err := newWorld(b.Context(), seed, defaultCIDs, defaultDays, noon)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, parts := range w.byDay {
			for _, part := range parts {
				n += len(part)
			}
		}
		b.ReportMetric(float64(n), "events")
	}
}
