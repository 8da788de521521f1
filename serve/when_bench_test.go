package serve

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/models/sendtime"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
	"whowhen.dev/whowhen/serve/hours"
	"whowhen.dev/whowhen/serve/registry"
)

// benchZones are where the CIDs of benchmarks live.
func benchZones() []string {
	return []string{"Asia/Jakarta", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Europe/London", "Asia/Tokyo", "Africa/Lagos", "America/Mexico_City", "Australia/Sydney",
		"Asia/Dubai", "Asia/Riyadh", "Asia/Shanghai", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "America/Los_Angeles", "America/Chicago", "Europe/Lisbon", "Europe/Istanbul", "Asia/Kathmandu"}
}

// benchApp is an app with so many CIDs of twenty zones and countries.
func benchApp(b *testing.B, s *Server, cids int) (app *segments.App, position uint64) {
	b.Helper()
	app, err := s.home.App("")
	if err != nil {
		b.Fatal(err)
	}
	zones := benchZones()
	countries := []string{"ID", "IN", "DE", "US", "BR", "GB", "JP", "NG", "MX", "AU", "AE", "SA", "CN", "TH", "VN", "US", "US", "PT", "TR", "NP"}
	const atOnce = 50_000
	for from := 0; from < cids; from += atOnce {
		r, err := app.Write(b.Context(), segments.WriteRequest{Build: func(to *batch.Builder) error {
			for i := from; i < min(from+atOnce, cids); i++ {
				at := i * 7 % len(zones)
				to.Profile(i-from, batch.ProfileChange{CID: fmt.Sprintf("%032x", i), Set: []batch.Named{
					{Name: "zone", Value: value.Text(zones[at])}, {Name: "country", Value: value.Text(countries[at])}}})
			}
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
		position = r.Position
	}
	return app, position
}

// benchCIDs is how many CIDs a benchmark is about: so many, or as many as WHEN_CIDS says.
func benchCIDs(b *testing.B, cids int) int {
	text := os.Getenv("WHEN_CIDS")
	if text == "" {
		return cids
	}
	cids, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return cids
}

// BenchmarkHistogram counts over Connect, on loopback, when everybody is sent to: a million CIDs, or as many as WHEN_CIDS says, with best hours of their own, some of whom
// travel. Their hours follow the curve of a day, or are any.
func BenchmarkHistogram(b *testing.B) {
	cids := benchCIDs(b, 1_000_000)
	home, err := segments.OpenHome(b.TempDir(), segments.Options{Clock: testClock, CacheBytes: 2 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { home.Close() })
	s := New(home, Options{Clock: testClock})
	app, position := benchApp(b, s, cids)
	client := whowhenv1connect.NewSendTimeServiceClient(newHTTPClient(b, true), listen(b, s))
	tuesday := time.Date(2026, 3, 17, 15, 9, 26, 0, time.UTC)
	for generation, hours := range []struct {
		name string
		draw func(*rand.Rand) int
	}{{"skewed", skewedHour}, {"uniform", func(r *rand.Rand) int { return r.IntN(24) }}} {
		if err := stageHours(b, app, position, cids, uint64(generation+1), hours.draw); err != nil {
			b.Fatal(err)
		}
		for _, message := range []struct {
			name string
			*whowhenv1.SendMessage
		}{
			{"a day", &whowhenv1.SendMessage{From: timestamppb.New(tuesday), Until: timestamppb.New(tuesday.Add(24 * time.Hour))}},
			{"no policy", &whowhenv1.SendMessage{From: timestamppb.New(tuesday), Until: timestamppb.New(tuesday.Add(24 * time.Hour)), Policy: "none"}},
			{"a day of two classes", &whowhenv1.SendMessage{From: timestamppb.New(tuesday.AddDate(0, 0, 3)), Until: timestamppb.New(tuesday.AddDate(0, 0, 4))}},
			{"two hours", &whowhenv1.SendMessage{From: timestamppb.New(tuesday), Until: timestamppb.New(tuesday.Add(24 * time.Hour)), WidthMinutes: 120}},
			{"a week", &whowhenv1.SendMessage{From: timestamppb.New(tuesday), Until: timestamppb.New(tuesday.AddDate(0, 0, 7))}},
		} {
			b.Run(hours.name+"/"+message.name, func(b *testing.B) {
				count := func() {
					h, err := client.Histogram(b.Context(), connect.NewRequest(&whowhenv1.WhenAllRequest{Expression: "everyone", Message: message.SendMessage}))
					if err != nil || h.Msg.Cids != uint64(cids) {
						b.Fatal(h, err)
					}
				}
				count() // what was just written is read from the disk once
				for b.Loop() {
					count()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(cids), "ns/CID")
			})
		}
	}
}

// skewedHour draws an hour from the curve of a day: few by night, most in the evening.
func skewedHour(r *rand.Rand) int {
	curve := sendtime.PriorCurve()[0]
	sum := 0.0
	for _, p := range curve {
		sum += p
	}
	at := r.Float64() * sum
	for h, p := range curve {
		if at -= p; at < 0 {
			return h
		}
	}
	return len(curve) - 1
}

// BenchmarkWhen asks over Connect, on loopback, about a million CIDs, or as many as WHEN_CIDS says, of twenty zones with best hours of their own.
func BenchmarkWhen(b *testing.B) {
	cids := benchCIDs(b, 1_000_000)
	s := newServer(b, Options{})
	app, position := benchApp(b, s, cids)
	if err := stageHours(b, app, position, cids, 1, skewedHour); err != nil {
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
		b.ReportMetric(float64(cids)*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
	})
	b.Run("histogram", func(b *testing.B) {
		for b.Loop() {
			h, err := client.Histogram(b.Context(), connect.NewRequest(&whowhenv1.WhenAllRequest{Expression: "everyone", Message: message}))
			if err != nil || h.Msg.Cids != uint64(cids) {
				b.Fatal(h, err)
			}
		}
		b.ReportMetric(float64(cids)*float64(b.N)/b.Elapsed().Seconds(), "CIDs/s")
	})
}

// stageHours publishes best hours of everybody's own, shard by shard. One in fifty has an offset seen, most of these that of their zone.
func stageHours(b testing.TB, app *segments.App, position uint64, cids int, generation uint64, draw func(*rand.Rand) int) error {
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
	const shard = 1 << 20
	for first := 0; first < cids; first += shard {
		n := min(shard, cids-first)
		var chunks [hours.Columns]batch.ScoreChunk
		for c := range chunks {
			chunks[c] = batch.ScoreChunk{Name: hoursColumn(c), Generation: generation, First: uint32(first), Ordinals: n, Present: make([]uint64, (n+63)/64), Codes: make([]uint16, 0, n)}
		}
		for i := range n {
			h := drawHours(random, draw)
			for c, code := range h.Encode() {
				chunks[c].Present[i/64] |= 1 << (i % 64)
				chunks[c].Codes = append(chunks[c].Codes, code)
			}
		}
		for c := range chunks {
			if _, err := app.StageScores(b.Context(), chunks[c]); err != nil {
				return err
			}
		}
	}
	var publishes []batch.ScorePublish
	for c := range hours.Columns {
		publishes = append(publishes, batch.ScorePublish{Name: hoursColumn(c), Generation: generation, Version: version, Definition: m.identity})
	}
	position, err = app.PublishScores(b.Context(), publishes...)
	if err != nil {
		return err
	}
	return awaitVisible(b.Context(), app, position)
}

func drawHours(random *rand.Rand, draw func(*rand.Rand) int) hours.Hours {
	h := hours.Hours{Level: 3, ActiveDays: random.IntN(90)}
	if random.IntN(50) == 0 {
		h.Seen, h.OffsetMinutes, h.SeenHour = true, 60*(random.IntN(20)-8), testNow.Unix()/3600-random.Int64N(1500)
	}
	for class := range h.Day {
		day := &h.Day[class]
		day.Active, day.Others = 0.7, 0.5+random.Float64()
		p, used := 0.05+0.4*random.Float64(), 0
		for k := range day.Best {
			hour := draw(random)
			for used>>hour&1 != 0 {
				hour = draw(random)
			}
			used |= 1 << hour
			day.Best[k] = hours.Hour{Hour: hour, Engagement: p, Activity: 0.5 * random.Float64()}
			p *= 0.5 + 0.5*random.Float64()
		}
	}
	return h
}
