package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

func springMessage() *whowhenv1.SendMessage {
	return &whowhenv1.SendMessage{Seed: "spring", WidthMinutes: 120, Until: timestamppb.New(testNow.Add(30 * time.Hour))}
}

// streamed are the answers that WhenAll streams, in the form of When's, as far as they tell.
func streamed(t *testing.T, c whowhenv1connect.SendTimeServiceClient, request *whowhenv1.WhenAllRequest) (cids []string, all []*whowhenv1.SendWindow) {
	t.Helper()
	stream, err := c.WhenAll(t.Context(), connect.NewRequest(request))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	windows := []*whowhenv1.SendWindowEntry{nil}
	for stream.Receive() {
		m := stream.Msg()
		windows = append(windows, m.NewWindows...)
		rows := m.Cids
		for at := 0; at < len(m.PackedCids); at += batch.PackedBytes {
			rows = append(rows, fmt.Sprintf("%x", m.PackedCids[at:at+batch.PackedBytes]))
		}
		for i, cid := range rows {
			w := &whowhenv1.SendWindow{Cid: cid, Decision: fmt.Sprintf("%016x%016x", m.DecisionMessage, m.DecisionCid[i])}
			if e := windows[m.Window[i]]; e != nil {
				w.Found, w.Zone, w.ZoneFrom = true, e.Zone, e.ZoneFrom
				w.Choice = &whowhenv1.SendChoice{Start: e.Start, End: e.End, NotAfter: e.NotAfter,
					Probability: float64(m.Probability[i]) / math.MaxUint16, Engagement: float64(m.Engagement[i]) / math.MaxUint16,
					SendAt: timestamppb.New(e.Start.AsTime().Add(time.Duration(m.SendAfterSeconds[i]) * time.Second))}
			}
			cids, all = append(cids, cid), append(all, w)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return cids, all
}

// checkAudience holds that the stream of an audience and the call for single CIDs say the same, and that the histogram is exactly what they add up to.
func checkAudience(t *testing.T, c whowhenv1connect.SendTimeServiceClient, expression string, packed bool, message *whowhenv1.SendMessage) (cids []string) {
	t.Helper()
	request := &whowhenv1.WhenAllRequest{Expression: expression, Message: message, Packed: packed}
	cids, answers := streamed(t, c, request)
	single, err := c.When(t.Context(), connect.NewRequest(&whowhenv1.WhenRequest{Cids: cids, Message: message}))
	if err != nil {
		t.Fatal(err)
	}
	quarters, zones, none := map[int64]uint64{}, map[string]uint64{}, uint64(0)
	until := testNow.AddDate(0, 0, 40)
	if message.Until != nil {
		until = message.Until.AsTime()
	}
	for i, want := range single.Msg.Windows {
		got := answers[i]
		if got.Found != want.Found || got.Decision != want.Decision {
			t.Fatalf("streamed %v, asked for %v", got, want)
		}
		if !want.Found {
			none++
			continue
		}
		checkWindow(t, want, testNow, until, time.Duration(max(60, message.WidthMinutes))*time.Minute)
		if got.Zone != want.Zone || got.ZoneFrom != want.ZoneFrom || got.Choice.SendAt.AsTime() != want.Choice.SendAt.AsTime() || got.Choice.NotAfter.AsTime() != want.Choice.NotAfter.AsTime() ||
			math.Abs(got.Choice.Probability-want.Choice.Probability) > 1e-5 || math.Abs(got.Choice.Engagement-want.Choice.Engagement) > 1e-5 {
			t.Fatalf("streamed %v, asked for %v", got, want)
		}
		quarters[want.Choice.SendAt.AsTime().Truncate(15*time.Minute).Unix()]++
		zones[want.Zone]++
	}
	h, err := c.Histogram(t.Context(), connect.NewRequest(request))
	if err != nil || h.Msg.Cids != uint64(len(cids)) || h.Msg.WithoutWindow != none {
		t.Fatalf("%v: %v; %d of %d have no window", h, err, none, len(cids))
	}
	for _, q := range h.Msg.Quarters {
		if quarters[q.Start.Seconds] != q.Cids {
			t.Errorf("%d in the quarter of %s, want %d", q.Cids, q.Start.AsTime(), quarters[q.Start.Seconds])
		}
		delete(quarters, q.Start.Seconds)
	}
	for _, z := range h.Msg.Zones {
		if zones[z.Zone] != z.Cids {
			t.Errorf("%d in %s, want %d", z.Cids, z.Zone, zones[z.Zone])
		}
		delete(zones, z.Zone)
	}
	if len(quarters)+len(zones) > 0 {
		t.Errorf("not in the histogram: %v, %v", quarters, zones)
	}
	return cids
}

func TestAudienceIsPlannedAlike(t *testing.T) {
	_, c, _ := sendServer(t)
	for expression, want := range map[string]int{"everyone": 3000, `zone = "Pacific/Apia"`: -1, "nobody": 0} {
		for _, packed := range []bool{false, true} {
			if cids := checkAudience(t, c, expression, packed, springMessage()); want >= 0 && len(cids) != want {
				t.Errorf("%s: %d answers, want %d", expression, len(cids), want)
			}
		}
	}
}

// TestHistogramIsExact compares, for messages of all kinds, with best hours that were drawn by lot, for travellers and for who came after the hours were computed.
func TestHistogramIsExact(t *testing.T) {
	app, c, _ := sendServer(t)
	const cids = 3000
	if err := stageHours(t, app, 1, cids, 1, skewedHour); err != nil {
		t.Fatal(err)
	}
	r, err := app.Write(t.Context(), segments.WriteRequest{Build: func(b *batch.Builder) error {
		for i := range 200 {
			b.Profile(i, batch.ProfileChange{CID: fmt.Sprintf("%032x", cids+i)})
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	view, err := app.View(t.Context(), segments.ReadOptions{AtLeastPosition: r.Position})
	if err != nil {
		t.Fatal(err)
	}
	view.Close()
	for _, m := range []struct {
		policy      string
		from, until time.Duration
		width       uint32
	}{
		{"", 0, 24 * time.Hour, 60},
		{"none", 0, 24 * time.Hour, 60},
		{"ramadan", 0, 24 * time.Hour, 60},
		{"ramadan", 80 * time.Hour, 104 * time.Hour, 60},  // one class of days
		{"none", 80 * time.Hour, 83 * time.Hour, 60},      // a few hours
		{"", 80 * time.Hour, 104 * time.Hour, 180},        // wide windows
		{"", 30 * time.Hour, 200 * time.Hour, 75},         // a week
		{"none", 340 * time.Hour, 400 * time.Hour, 90},    // clocks go forward in Europe
		{"", 500 * time.Hour, 570 * time.Hour, 60},        // and back in Lord Howe
		{"none", 0, 30 * 24 * time.Hour, 1440},            // as wide and long as can be
		{"none", -50 * time.Hour, -20 * time.Hour, 60},    // over
		{"default", -50 * time.Hour, 20 * time.Hour, 120}, // begun
	} {
		message := &whowhenv1.SendMessage{Seed: "exact", Policy: m.policy, WidthMinutes: m.width, From: timestamppb.New(testNow.Add(m.from)), Until: timestamppb.New(testNow.Add(m.until))}
		if all := checkAudience(t, c, "everyone", true, message); len(all) != cids+200 {
			t.Errorf("%d answers", len(all))
		}
	}
	checkAudience(t, c, "everyone", false, &whowhenv1.SendMessage{Transactional: true})
	checkAudience(t, c, `zone = "Asia/Kathmandu" or sample(10%, "x")`, false, springMessage())
}

// TestAudiencesTakeTurns holds that no more than a few audiences are planned at a time, that transactional ones do not wait for others, and that who waits in vain
// hears of it.
func TestAudiencesTakeTurns(t *testing.T) {
	_, _, s := sendServer(t)
	service := newSendTimeService(s)
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	request := &whowhenv1.WhenAllRequest{Expression: "everyone"}
	var open []*audiencePlan
	for range audiencesAtOnce {
		p, err := service.openAudience(ctx, request, &service.rooms.streams)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, p)
	}
	if _, err := service.openAudience(ctx, request, &service.rooms.streams); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one audience too many: %v", err)
	}
	service.rooms.patience = time.Millisecond
	_, err := service.openAudience(t.Context(), request, &service.rooms.streams)
	if code, info := infoOf(t, err); code != connect.CodeResourceExhausted || info.Reason != "SERVER_BUSY" || !info.Retryable || !strings.Contains(err.Error(), "2 audiences are being planned") {
		t.Errorf("one audience too many: %v", err)
	}
	atOnce := &whowhenv1.WhenAllRequest{Expression: "everyone", Message: &whowhenv1.SendMessage{Transactional: true}}
	p, err := service.openAudience(t.Context(), atOnce, &service.rooms.streams)
	if err != nil {
		t.Fatal(err)
	}
	p.close()
	for range audiencesAtOnce {
		p, err := service.openAudience(t.Context(), request, &service.rooms.histograms)
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
	}
	if p, err = service.openAudience(t.Context(), atOnce, &service.rooms.histograms); err != nil {
		t.Fatal(err)
	}
	p.close()
	open[0].close()
	if open[0], err = service.openAudience(t.Context(), request, &service.rooms.streams); err != nil {
		t.Error(err)
	}
	bad := &whowhenv1.WhenAllRequest{Expression: `score("none") > 0.5`, Message: atOnce.Message}
	for range 2 * audiencesAtOnce {
		if _, err := service.openAudience(t.Context(), bad, &service.rooms.streams); err == nil || connect.CodeOf(err) == connect.CodeResourceExhausted {
			t.Errorf("an unknown score: %v", err)
		}
	}
	for _, p := range open {
		p.close()
	}
}

// TestDeafAudiencesMakeRoom holds that callers who have an audience planned and stop reading lose their turns to one who waits for its own, although they had
// just begun to when that came.
func TestDeafAudiencesMakeRoom(t *testing.T) {
	const n = 300_000 // more than the buffers between server and client hold
	s := newServer(t, Options{Limits: Limits{StallTimeout: time.Second}})
	url := listen(t, s)
	crowd(t, newClients(InProcess(s.Handler()), "http://any"), n)
	ask := func() *connect.ServerStreamForClient[whowhenv1.WhenAllResponse] {
		c := whowhenv1connect.NewSendTimeServiceClient(newHTTPClient(t, false), url)
		stream, err := c.WhenAll(t.Context(), connect.NewRequest(&whowhenv1.WhenAllRequest{Expression: "everyone", Message: springMessage()}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stream.Close() })
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		return stream
	}
	deaf := []*connect.ServerStreamForClient[whowhenv1.WhenAllResponse]{ask(), ask()}
	begun := time.Now()
	ask()
	if took := time.Since(begun); took > audiencePatience/2 {
		t.Errorf("waited %s", took)
	}
	cut := 0 // one may do
	for _, stream := range deaf {
		for stream.Receive() {
		}
		if stream.Err() != nil {
			cut++
		}
	}
	if cut == 0 {
		t.Error("all that was not read came")
	}
}
