package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
)

// The waits between tries double from the first to the longest, about two minutes in all.
const (
	maxTries     = 18
	firstWait    = 100 * time.Millisecond
	longestWait  = 10 * time.Second
	reasonLost   = "ANSWER_LOST"
	reasonOfLoad = "LOAD_OUT_OF_ORDER"
)

// sender writes the batches of one file, one after the other.
type sender struct {
	client   whowhenv1connect.IngestServiceClient
	clock    Clock
	app      string
	loadID   string
	retrying func(error) // told before each wait
	accepted uint64      // by the server, of all rows before the next batch
}

// answer is what the server made of a batch.
type answer struct {
	position uint64
	accepted uint64
	rejects  []*whowhenv1.Reject
	// lost counts rejects that the server did not get to tell.
	lost uint64
}

// state asks how far the load is.
func (s *sender) state(ctx context.Context) (*whowhenv1.GetLoadResponse, error) {
	var state *whowhenv1.GetLoadResponse
	err := s.retry(ctx, func() error {
		response, err := s.client.GetLoad(ctx, connect.NewRequest(&whowhenv1.GetLoadRequest{App: s.app, LoadId: s.loadID}))
		if err == nil {
			state = response.Msg
		}
		return err
	})
	return state, err
}

// send writes one batch. When the answer to a try got lost although the batch was
// written, the server refuses the next try as out of order, and its state tells the rest.
func (s *sender) send(ctx context.Context, b *pending) (*answer, error) {
	var a *answer
	err := s.retry(ctx, func() error {
		response, err := s.client.Write(ctx, connect.NewRequest(b.request))
		if err == nil {
			a = &answer{position: response.Msg.Position, accepted: response.Msg.Accepted, rejects: response.Msg.Rejects}
		}
		return err
	})
	if info := errorInfo(err); info != nil && info.Reason == reasonOfLoad {
		a, err = s.written(ctx, b, err)
	}
	if err != nil {
		return nil, err
	}
	s.accepted += a.accepted
	return a, nil
}

// written makes the answer to a batch that the server says it has already.
func (s *sender) written(ctx context.Context, b *pending, refusal error) (*answer, error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	sent := uint64(len(b.order))
	switch {
	case !state.Finished && state.NextRow < b.firstRow+b.rows:
		return nil, refusal
	case state.NextRow != b.firstRow+b.rows || state.Accepted < s.accepted || state.Accepted-s.accepted > sent:
		return nil, fmt.Errorf("another load of the same file is running; start this one again when it is through (%w)", refusal)
	}
	accepted := state.Accepted - s.accepted
	return &answer{position: state.Position, accepted: accepted, lost: sent - accepted}, nil
}

// retry repeats a call that can succeed later.
func (s *sender) retry(ctx context.Context, call func() error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := call()
		if ctx.Err() == nil && brokenOff(err) {
			err = connect.NewError(connect.CodeUnavailable, errBrokenOff)
		}
		if err == nil || ctx.Err() != nil || try == maxTries || !retryable(err) {
			return err
		}
		s.retrying(plain(err))
		if err := s.clock.Sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, longestWait)
	}
}

// errBrokenOff stands for what the network says when a server goes away in the middle of a call.
// The call may have been carried out; a batch is safe to send again.
var errBrokenOff = errors.New("the connection to the server broke off")

// brokenOff says whether no answer came because the connection was cut once it had been made.
func brokenOff(err error) bool {
	if err == nil || connect.IsWireError(err) {
		return false
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network.Op != "dial"
	}
	for _, cut := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, cut) {
			return true
		}
	}
	return false
}

// unanswered says whether an error of a call leaves open what became of it: the server's own errors do not.
func unanswered(err error) bool {
	var failed *connect.Error
	return errors.As(err, &failed) && errorInfo(err) == nil
}

// plain leaves out what an error says of code and calls, which people do not need.
func plain(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return fmt.Errorf("the server cannot be reached: %w", network)
	}
	var failed *connect.Error
	if errors.As(err, &failed) && failed.Message() != "" {
		return errors.New(failed.Message())
	}
	return err
}

// retryable believes the server's detail, and without one the code.
func retryable(err error) bool {
	if info := errorInfo(err); info != nil {
		return info.Retryable
	}
	code := connect.CodeOf(err)
	return code == connect.CodeUnavailable || code == connect.CodeResourceExhausted
}

// errorInfo returns the detail that the server attached to an error, or nil.
func errorInfo(err error) *whowhenv1.ErrorInfo {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return nil
	}
	for _, detail := range failed.Details() {
		if message, err := detail.Value(); err == nil {
			if info, ok := message.(*whowhenv1.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}
