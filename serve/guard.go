package serve

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"
)

// guard stands around every handler: requests that could not be read do not reach it, panics do
// not leave it, and its errors go out as the API tells them.
type guard struct{ s *Server }

func (g guard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		err = g.run(ctx, request.Spec().Procedure, func() (err error) {
			c := callOf(ctx)
			if fault := c.decode(request.Any()); fault != "" {
				return errMalformed("%s", fault)
			}
			if response, err = next(ctx, request); err == nil {
				c.answering(response.Any())
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return response, nil
	}
}

func (g guard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return g.run(ctx, conn.Spec().Procedure, func() error { return next(ctx, guardedConn{conn, callOf(ctx)}) })
	}
}

func (guard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

type guardedConn struct {
	connect.StreamingHandlerConn
	call *call
}

func (c guardedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	if fault := c.call.decode(message); fault != "" {
		return errMalformed("%s", fault)
	}
	return nil
}

func (g guard) run(ctx context.Context, procedure string, call func() error) (err error) {
	start := g.s.clock()
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(p) // asks net/http to drop the connection
			}
			err = g.s.internal(ctx, procedure, "panic", p, "stack", string(debug.Stack()))
		}
		code := "ok"
		if err != nil {
			code = connect.CodeOf(err).String()
		}
		g.s.logger.DebugContext(ctx, "call", "procedure", procedure, "code", code, "duration", g.s.clock().Sub(start))
	}()
	if err := call(); err != nil {
		return g.s.toConnect(ctx, procedure, err)
	}
	return nil
}
