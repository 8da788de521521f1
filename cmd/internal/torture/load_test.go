package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"whowhen.dev/whowhen/cmd/internal/rig"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// The world that is written over and over: so many CIDs, and so many events, each with an id, so that the live data
// stops growing once all have been written.
const (
	cids        = 20_000
	events      = 150_000
	recordsEach = 500
)

// work counts what was done.
type work struct {
	writes, records, queries, streams, given atomic.Int64
}

func someCID(random *rand.Rand) string { return fmt.Sprintf("%032x", random.IntN(cids)) }

// event returns event k of the world, always the same.
func event(k int, today time.Time) *whowhenv1.Record {
	random := rand.New(rand.NewPCG(uint64(k), 7))
	return &whowhenv1.Record{Kind: &whowhenv1.Record_Event{Event: &whowhenv1.Event{
		Cid: someCID(random), Name: []string{"open", "purchase", "push.sent"}[random.IntN(3)], EventId: fmt.Sprint(k),
		Time: timestamppb.New(today.Add(-time.Duration(random.Int64N(int64(20 * 24 * time.Hour))))),
		Properties: map[string]*whowhenv1.Value{
			"amount":   {Kind: &whowhenv1.Value_Number{Number: float64(random.IntN(10_000)) / 100}},
			"category": {Kind: &whowhenv1.Value_String_{String_: fmt.Sprint("category ", random.IntN(50))}},
		},
	}}}
}

// ingest writes until ctx ends.
func ingest(ctx context.Context, s *rig.Server, random *rand.Rand, today time.Time, done *work) error {
	for n := 0; ctx.Err() == nil; n++ {
		request := &whowhenv1.WriteRequest{}
		if n%50 == 0 {
			request.BatchId = fmt.Sprintf("torture %d %d", random.Uint64(), n)
		}
		for range recordsEach {
			var r *whowhenv1.Record
			switch random.IntN(4) {
			case 0:
				change := &whowhenv1.TagChange{Cid: someCID(random), Tag: fmt.Sprint("tag ", random.IntN(20)), Remove: random.IntN(3) == 0}
				if random.IntN(2) == 0 && !change.Remove {
					change.ExpiresAt = timestamppb.New(time.Now().Add(time.Duration(random.IntN(600)) * time.Second))
				}
				r = &whowhenv1.Record{Kind: &whowhenv1.Record_Tag{Tag: change}}
			case 1:
				r = &whowhenv1.Record{Kind: &whowhenv1.Record_Profile{Profile: &whowhenv1.ProfileChange{Cid: someCID(random), Set: map[string]*whowhenv1.Value{
					"age":     {Kind: &whowhenv1.Value_Number{Number: float64(random.IntN(90))}},
					"country": {Kind: &whowhenv1.Value_String_{String_: fmt.Sprint("country ", random.IntN(100))}},
				}}}}
			default:
				r = event(random.IntN(events), today)
			}
			request.Records = append(request.Records, r)
		}
		answer, err := s.Ingest.Write(ctx, connect.NewRequest(request))
		if err != nil {
			return ended(ctx, err)
		}
		if len(answer.Msg.GetRejects()) > 0 {
			return fmt.Errorf("rejected: %v", answer.Msg.GetRejects()[0])
		}
		done.writes.Add(1)
		done.records.Add(recordsEach)
	}
	return nil
}

// expressions ask for all kinds of things, cheap and dear.
func expressions() []string {
	return []string{
		`tag("tag 1") and not tag("tag 2")`, `age between 18 and 40 and country != "country 7"`,
		`count("open", within 10d) >= 3`, `days("open", within 20d) >= 4 and tag("tag 3")`,
		`sum("purchase.amount", within 20d) > 100`, `did("purchase" where category = "category 3" and amount > 20)`,
		`last("open") before 5d ago`, `first("open") within 3d`, `did("open", within 6h)`, `sample(10%, "torture") and everyone`,
		`not (did("purchase") or did("push.sent")) or age < 20`,
	}
}

// ask counts, explains and looks up until ctx ends.
func ask(ctx context.Context, s *rig.Server, random *rand.Rand, done *work) error {
	for ctx.Err() == nil {
		text := expressions()[random.IntN(len(expressions()))]
		var err error
		switch random.IntN(6) {
		case 0:
			_, err = s.Audience.Explain(ctx, connect.NewRequest(&whowhenv1.ExplainRequest{Expression: text, Cid: someCID(random)}))
		case 1:
			_, err = s.Audience.Contains(ctx, connect.NewRequest(&whowhenv1.ContainsRequest{Expression: text, Cids: []string{someCID(random), someCID(random)}}))
		case 2:
			_, err = s.Admin.Status(ctx, connect.NewRequest(&whowhenv1.StatusRequest{}))
		default:
			_, err = s.Audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: text}))
		}
		if err != nil {
			return ended(ctx, err)
		}
		done.queries.Add(1)
	}
	return nil
}

// stream reads audiences: all of them, slowly, or only their beginning.
func stream(ctx context.Context, s *rig.Server, random *rand.Rand, done *work) error {
	for ctx.Err() == nil {
		one, cancel := context.WithCancel(ctx)
		answer, err := s.Audience.Select(one, connect.NewRequest(&whowhenv1.SelectRequest{Expression: expressions()[random.IntN(len(expressions()))]}))
		if err != nil {
			cancel()
			return ended(ctx, err)
		}
		manner := random.IntN(3)
		for n := 0; answer.Receive(); n++ {
			if manner == 1 {
				time.Sleep(200 * time.Millisecond)
			}
			if manner == 2 && n > 0 {
				cancel()
			}
		}
		if err := answer.Err(); err != nil && manner != 2 {
			cancel()
			return ended(ctx, err)
		}
		if manner == 2 {
			done.given.Add(1)
		}
		done.streams.Add(1)
		answer.Close()
		cancel()
	}
	return nil
}

// ended returns an error unless it is that the time is over.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
