package main

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
)

// embeddedWait is how long a call to an app of this process waits for its opening, before people are told of it.
const embeddedWait = time.Second

// patient makes calls again for as long as their app is being opened, and shows how far that is.
type patient struct {
	m *Main
	// ask makes some unary call about the app, by which a stream waits.
	ask func(context.Context)
}

func (p *patient) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		err = p.m.whileStarting(ctx, func() (err error) {
			response, err = next(ctx, request)
			return err
		})
		return response, err
	}
}

func (p *patient) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		p.ask(ctx)
		return next(ctx, spec)
	}
}

func (p *patient) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// waitBy lets streams wait by a call that costs nothing. What else is wrong the stream will be told as well.
func (p *patient) waitBy(a *api) {
	p.ask = func(ctx context.Context) {
		_, _ = a.audience.Count(ctx, connect.NewRequest(&whowhenv1.CountRequest{App: p.m.flags.App, Expression: "nobody"}))
	}
}

// whileStarting does something again until it does not fail because an app is being opened.
func (m *Main) whileStarting(ctx context.Context, do func() error) error {
	n := m.newNotice(0)
	defer n.end()
	for {
		err := do()
		progress := howStarting(err)
		if progress == "" || ctx.Err() != nil {
			return err
		}
		n.show("Waiting for " + progress)
		const pause = 100 * time.Millisecond // the call has waited already
		if err := m.Clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// howStarting returns how far the opening of an app is, if an error says that it is being opened.
func howStarting(err error) string {
	var known *segments.Error
	if errors.As(err, &known) && known.Reason == segments.Starting {
		return known.Message
	}
	var rpc *connect.Error
	if errors.As(err, &rpc) {
		if info := errorInfo(rpc); info != nil && info.Reason == string(segments.Starting) {
			return rpc.Message()
		}
	}
	return ""
}

// readyApp returns an app of an open directory when it is open.
func (m *Main) readyApp(ctx context.Context, home *segments.Home, name string) (app *segments.App, err error) {
	err = m.whileStarting(ctx, func() (err error) {
		app, err = home.ReadyApp(ctx, name)
		return err
	})
	return app, err
}
