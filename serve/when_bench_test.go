package serve

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/registry"
)

// BenchmarkWhen asks over Connect, on loopback, about 1,000,000 CIDs of twenty zones with best hours of their own.
func BenchmarkWhen(b *testing.B) {
	const cids = 1_000_000
	s := newServer(b, Options{})
	app, err := s.home.App("")
	if err != nil {
		b.Fatal(err)
	}
	zones := []string{"Asia/Jakarta", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Europe/London", "Asia/Tokyo", "Africa/Lagos", "America/Mexico_City", "Australia/Sydney",
		"Asia/Dubai", "Asia/Riyadh", "Asia/Shanghai", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "America/Los_Angeles", "America/Chicago", "Europe/Lisbon", "Europe/Istanbul", "Asia/Kathmandu"}
	position := uint64(0)
	for from := 0; from < cids; from += 50_000 {
		r, err := app.Write(b.Context(), segments.WriteRequest{Build: func(to *batch.Builder) error {
			for i := from; i < from+50_000; i++ {
				to.Profile(i-from, batch.ProfileChange{CID: fmt.Sprintf("%032x", i), Set: []batch.Named{{Name: "zone", Value: value.Text(zones[i%len(zones)])}}})
			}
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
		position = r.Position
	}
	if err := stageHours(b, app, position, cids); err != nil {
		b.Fatal(err)
	}
	client := whowhenv1connect.NewSendTimeServiceClient(newHTTPClient(b, true), listen(b, s))
	message := &whowhenv1.SendMessage{Until: timestamppb.New(testNow.Add(24 * time.Hour)), WidthMinutes: 60}
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("cids=%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				request := &whowhenv1.WhenRequest{Message: message}
				for k := range n {
					request.Cids = append(request.Cids, fmt.Sprintf("%032x", (i*7919+k*104729)%cids))
				}
				if _, err := client.When(b.Context(), connect.NewRequest(request)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
		})
	}
	b.Run("audience", func(b *testing.B) {
		for b.Loop() {
			stream, err := client.WhenAll(b.Context(), connect.NewRequest(&whowhenv1.WhenAllRequest{Expression: "everyone", Message: message, Packed: true}))
			if err != nil {
				b.Fatal(err)
			}
			rows := 0
			for stream.Receive() {
				rows += len(stream.Msg().Window)
			}
			if err := stream.Err(); err != nil || rows != cids {
				b.Fatalf("%d rows: %v", rows, err)
			}
		}
		b.ReportMetric(cids*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
	})
	b.Run("histogram", func(b *testing.B) {
		for b.Loop() {
			h, err := client.Histogram(b.Context(), connect.NewRequest(&whowhenv1.WhenAllRequest{Expression: "everyone", Message: message}))
			if err != nil || h.Msg.Cids != cids {
				b.Fatal(h, err)
			}
		}
		b.ReportMetric(cids*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
	})
}

// stageHours publishes best hours of everybody's own.
func stageHours(b testing.TB, app *segments.App, position uint64, cids int) error {
	view, err := app.View(b.Context(), segments.ReadOptions{AtLeastPosition: position})
	if err != nil {
		return err
	}
	view.Close()
	version, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(b, v), nil })
	if err != nil {
		return err
	}
	m, err := loadRhythm(modelDir(app), version)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	var chunks [hours.Columns]batch.ScoreChunk
	for c := range chunks {
		chunks[c] = batch.ScoreChunk{Name: hoursColumn(c), Generation: 1, Ordinals: cids, Present: make([]uint64, (cids+63)/64)}
	}
	for i := range cids {
		h := hours.Hours{Level: 3, ActiveDays: random.IntN(90), Active: [2]float64{0.7, 0.6}}
		for _, best := range []*[hours.Best]hours.Hour{&h.Weekday, &h.Weekend} {
			p := 0.05 + 0.4*random.Float64()
			for k := range best {
				best[k] = hours.Hour{Hour: random.IntN(24), Probability: p}
				p *= 0.5 + 0.5*random.Float64()
			}
		}
		for c, code := range h.Encode() {
			chunks[c].Present[i/64] |= 1 << (i % 64)
			chunks[c].Codes = append(chunks[c].Codes, code)
		}
	}
	var publishes []batch.ScorePublish
	for c := range chunks {
		if _, err := app.StageScores(b.Context(), chunks[c]); err != nil {
			return err
		}
		publishes = append(publishes, batch.ScorePublish{Name: hoursColumn(c), Generation: 1, Version: version, Definition: m.identity})
	}
	position, err = app.PublishScores(b.Context(), publishes...)
	if err != nil {
		return err
	}
	return awaitVisible(b.Context(), app, position)
}
