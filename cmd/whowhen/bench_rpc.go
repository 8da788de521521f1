package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"net/http"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/bench"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/serve"
)

// loopback serves an open directory on this machine, as serve does, until close is called.
func (m *Main) loopback(home *segments.Home) (a *api, close func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	// Calls end before the server is told to stop, whatever becomes of the command.
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	server := serve.New(home, serve.Options{Version: m.Version, Clock: m.Clock.Now, Logger: m.quietLogger()})
	go func() { ended <- server.Serve(ctx, listener) }()
	client := wireClient()
	return m.newAPI(client, dialAddress(listener.Addr())), func() error {
		client.Transport.(*http.Transport).CloseIdleConnections()
		stop()
		return <-ended
	}, nil
}

// served calls f with the API of the engine's directory, if one of some figures is asked for.
func (r *benchRun) served(f func(a *api) error, names ...string) error {
	if !r.command.wants(names...) {
		return nil
	}
	a, stop, err := r.main.loopback(r.engine.Home())
	if err != nil {
		return err
	}
	return errors.Join(f(a), stop())
}

// count counts over RPC.
func (a *api) count(ctx context.Context, n expr.Node) (uint64, error) {
	answer, err := a.audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{Expression: n.String()}))
	if err != nil {
		return 0, err
	}
	return answer.Msg.Count, nil
}

// overRPC measures what is only read.
func (r *benchRun) overRPC(ctx context.Context) error {
	return r.served(func(a *api) error {
		if r.command.wants(benchAnd5RPC) {
			r.notice.show("measuring " + benchAnd5RPC)
			f, err := r.pace.Count(ctx, benchAnd5RPC, r.library, r.data.And5, a.count)
			if err != nil {
				return err
			}
			r.add(f)
		}
		for _, name := range []string{benchSelectPacked, benchSelectStrings} {
			if !r.command.wants(name) {
				continue
			}
			r.notice.show("measuring " + name)
			f, err := r.selecting(ctx, a, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.add(f)
		}
		return nil
	}, benchAnd5RPC, benchSelectPacked, benchSelectStrings)
}

// selecting streams the bearers of tags that half of all CIDs bear. The first stream is compared CID by CID.
func (r *benchRun) selecting(ctx context.Context, a *api, name string) (bench.Figure, error) {
	f := bench.Figure{Name: name, CIDs: r.data.CIDs, Note: "CIDs per second"}
	packed := name == benchSelectPacked
	counts := make([]uint64, bench.Variants)
	check := r.newBearers(0)
	if err := r.stream(ctx, a, 0, packed, check.compare); err != nil {
		return f, err
	}
	want, err := check.end()
	if err != nil {
		return f, err
	}
	pace := r.pace
	pace.Rounds = min(pace.Rounds, 20)
	samples, err := pace.Measure(ctx, func(i int) error {
		variant := i % bench.Variants
		counts[variant] = 0
		return r.stream(ctx, a, variant, packed, func(answer *whowhenv1.SelectResponse) error {
			counts[variant] += uint64(len(answer.PackedCids)/16 + len(answer.Cids))
			return nil
		})
	})
	if err != nil {
		return f, err
	}
	if counts[0] != want {
		return f, &bench.DisagreementError{Figure: name, Query: "the bearers of a tag", Ours: counts[0], Librarys: want}
	}
	f.Times(samples)
	f.PerSecond = float64(want) / samples.Quantile(.5).Seconds()
	f.Result, f.BaselineResult = &counts[0], &want
	return f, nil
}

// stream selects the bearers of the tag of a variant.
func (r *benchRun) stream(ctx context.Context, a *api, variant int, packed bool, each func(*whowhenv1.SelectResponse) error) error {
	tag := expr.Tag{Name: r.data.Tags()[bench.TagOfHalf(variant)].Name}
	stream, err := a.audience.Select(ctx, connect.NewRequest(&whowhenv1.SelectRequest{Expression: tag.String(), Packed: packed}))
	if err != nil {
		return err
	}
	defer stream.Close()
	for stream.Receive() {
		if err := each(stream.Msg()); err != nil {
			return err
		}
	}
	return stream.Err()
}

// bearers goes through the CIDs that bear a tag, as the dataset has them.
type bearers struct {
	data  bench.Dataset
	tag   int
	block int
	words [bench.BlockWords]uint64
	at    int // word
	seen  uint64
}

func (r *benchRun) newBearers(variant int) *bearers {
	b := &bearers{data: r.data, tag: bench.TagOfHalf(variant)}
	b.data.TagWords(b.tag, 0, &b.words)
	return b
}

// next returns the next CID, packed, and whether there is one.
func (b *bearers) next() (cid [16]byte, ok bool) {
	for {
		for ; b.at < len(b.words); b.at++ {
			if w := b.words[b.at]; w != 0 {
				b.words[b.at] &= w - 1
				b.seen++
				return b.data.CID(uint32(b.block*bench.BlockOrdinals + b.at<<6 + bits.TrailingZeros64(w))), true
			}
		}
		if b.block++; b.block >= b.data.Blocks() {
			return cid, false
		}
		b.data.TagWords(b.tag, b.block, &b.words)
		b.at = 0
	}
}

// compare holds a message of a stream against what should come next.
func (b *bearers) compare(answer *whowhenv1.SelectResponse) error {
	for packed := answer.PackedCids; len(packed) > 0; packed = packed[16:] {
		if want, ok := b.next(); !ok || !bytes.Equal(packed[:16], want[:]) {
			return fmt.Errorf("CID %d of the stream is %x, not %x", b.seen, packed[:16], want)
		}
	}
	for _, text := range answer.Cids {
		if want, ok := b.next(); !ok || text != hex.EncodeToString(want[:]) {
			return fmt.Errorf("CID %d of the stream is %s, not %x", b.seen, text, want)
		}
	}
	return nil
}

// end returns how many there were; nobody may be left.
func (b *bearers) end() (uint64, error) {
	seen := b.seen
	if _, more := b.next(); more {
		return 0, fmt.Errorf("the stream ended after %d CIDs", seen)
	}
	return seen, nil
}
