package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/serve/registry"
	"whowhen.dev/whowhen/serve/scoring"
)

// Reasons that only the edge gives, beside those of segments.
const (
	reasonExpressionSyntax segments.Reason = "EXPRESSION_SYNTAX"
	reasonRequestMalformed segments.Reason = "REQUEST_MALFORMED" // not a message of the API
	reasonRequestInvalid   segments.Reason = "REQUEST_INVALID"   // a field that cannot be
	reasonRequestTooLarge  segments.Reason = "REQUEST_TOO_LARGE" // too many bytes
	reasonRequestTooSlow   segments.Reason = "REQUEST_TOO_SLOW"
	reasonServerBusy       segments.Reason = "SERVER_BUSY"      // no room for the request; it was not looked at
	reasonEncodingUnknown  segments.Reason = "ENCODING_UNKNOWN" // compressed in a way that is not known
	reasonTooManyRecords   segments.Reason = "TOO_MANY_RECORDS"
	reasonTooManyCIDs      segments.Reason = "TOO_MANY_CIDS"
	reasonCIDNotPackable   segments.Reason = "CID_NOT_PACKABLE"
	reasonShuttingDown     segments.Reason = "SHUTTING_DOWN"
	reasonCanceled         segments.Reason = "CANCELED"
	reasonDeadline         segments.Reason = "DEADLINE_EXCEEDED"
	reasonInternal         segments.Reason = "INTERNAL"
)

// errShuttingDown is the cause with which Serve ends the calls that are left.
var errShuttingDown = errors.New("the server is shutting down")

// invalid returns an error about a field of the request.
func invalid(field, format string, args ...any) error {
	return &segments.Error{Reason: reasonRequestInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// codeOf says how each reason is told over RPC.
func codeOf(e *segments.Error) connect.Code {
	switch e.Reason {
	case segments.AppNameInvalid, segments.ZoneUnknown, segments.AsOfInFuture, segments.AsOfOutOfRange,
		segments.RetentionInvalid, segments.BatchTooLarge, segments.BatchMalformed, segments.NotANumber, segments.ScoreUnknown, segments.ScoresMalformed,
		reasonRequestInvalid, reasonRequestMalformed, reasonTooManyRecords, reasonTooManyCIDs, registry.ModelNameWrong, reasonPolicyUnknown:
		return connect.CodeInvalidArgument
	case segments.AppUnknown, registry.ModelUnknown, registry.VersionUnknown:
		return connect.CodeNotFound
	case segments.AppExists, segments.BatchIDReused:
		return connect.CodeAlreadyExists
	case segments.LoadOutOfOrder, segments.ScoresOutOfOrder, segments.TooManyScores, reasonCIDNotPackable,
		registry.NoneBefore, scoring.ModelMisfit, reasonModelGate, reasonModelNotActive, reasonPoliciesInvalid:
		return connect.CodeFailedPrecondition
	case segments.PositionNotReached, segments.Starting, segments.Closed:
		return connect.CodeUnavailable
	case segments.ReadOnly, segments.DirectoryInUse, segments.DirectoryUnusable:
		if e.Retryable {
			return connect.CodeUnavailable
		}
		return connect.CodeFailedPrecondition
	case segments.DiskFull:
		return connect.CodeResourceExhausted
	case segments.IndexUnavailable:
		return connect.CodeUnavailable
	case segments.IndexDamaged, registry.ModelDamaged:
		return connect.CodeDataLoss
	}
	return connect.CodeInternal
}

// isOurs says whether an error is the server's trouble rather than the caller's. Its cause
// then goes to the log, not to the caller.
func isOurs(e *segments.Error) bool {
	switch e.Reason {
	case segments.ReadOnly, segments.DiskFull, segments.DirectoryInUse, segments.DirectoryUnusable, segments.IndexDamaged, segments.IndexUnavailable:
		return true
	}
	return codeOf(e) == connect.CodeInternal
}

// levelOf says how loudly an error is logged. What an app tells operators once need not be told again with
// every call.
func levelOf(e *segments.Error) slog.Level {
	switch e.Reason {
	case segments.ReadOnly, segments.DiskFull, segments.IndexDamaged:
		return slog.LevelDebug
	}
	return slog.LevelError
}

// toConnect is the one place that decides how an error of a handler is told. Every answer
// has an ErrorInfo.
func (s *Server) toConnect(ctx context.Context, procedure string, err error) *connect.Error {
	var told *connect.Error
	var syntax *expr.Error
	var known *segments.Error
	switch {
	case errors.As(err, &told):
		return withReason(told)
	case errors.As(err, &syntax):
		return syntaxError(syntax)
	case errors.As(err, &known):
		if !isOurs(known) {
			return newError(codeOf(known), known)
		}
		s.logger.Log(ctx, levelOf(known), "call failed", "procedure", procedure, "reason", string(known.Reason), "error", err.Error())
		return newError(codeOf(known), &segments.Error{Reason: known.Reason, Field: known.Field, Message: known.Message, Retryable: known.Retryable})
	case errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), errShuttingDown):
		return newError(connect.CodeUnavailable, &segments.Error{Reason: reasonShuttingDown, Message: errShuttingDown.Error(), Retryable: true})
	case errors.Is(err, context.Canceled):
		return newError(connect.CodeCanceled, &segments.Error{Reason: reasonCanceled, Message: "the caller has gone", Retryable: true})
	case errors.Is(err, context.DeadlineExceeded):
		return newError(connect.CodeDeadlineExceeded, &segments.Error{Reason: reasonDeadline, Message: "the call took longer than the caller allows", Retryable: true})
	}
	return s.internal(ctx, procedure, "error", err.Error())
}

// internal logs what happened under a short id and returns an error that tells the
// id and nothing else.
func (s *Server) internal(ctx context.Context, procedure string, attrs ...any) *connect.Error {
	// Unique to this run and number, so that it can be found in a log of many runs.
	id := strconv.FormatInt(s.startedAt.Unix(), 36) + "-" + strconv.FormatUint(s.incidents.Add(1), 10)
	s.logger.ErrorContext(ctx, "internal error", append([]any{"id", id, "procedure", procedure}, attrs...)...)
	return newError(connect.CodeInternal, &segments.Error{
		Reason: reasonInternal, Message: fmt.Sprintf("internal error %s; the server's log says more under this id", id)})
}

func newError(code connect.Code, e *segments.Error) *connect.Error {
	return withDetail(connect.NewError(code, e), &whowhenv1.ErrorInfo{Reason: string(e.Reason), Field: e.Field, Retryable: e.Retryable})
}

// withReason gives errors that connect itself has found a detail too.
func withReason(e *connect.Error) *connect.Error {
	if len(e.Details()) > 0 {
		return e
	}
	reason := reasonInternal
	switch e.Code() {
	case connect.CodeResourceExhausted:
		reason = reasonRequestTooLarge
	case connect.CodeInvalidArgument, connect.CodeUnimplemented, connect.CodeUnknown:
		reason = reasonRequestMalformed
	case connect.CodeCanceled:
		reason = reasonCanceled
	case connect.CodeDeadlineExceeded:
		reason = reasonDeadline
	}
	return withDetail(e, &whowhenv1.ErrorInfo{Reason: string(reason)})
}

func syntaxError(e *expr.Error) *connect.Error {
	return withDetail(connect.NewError(connect.CodeInvalidArgument, e), &whowhenv1.ErrorInfo{
		Reason: string(reasonExpressionSyntax), Field: "expression",
		Offset: proto.Int32(int32(e.Offset)), Expected: e.Expected,
	})
}

func withDetail(e *connect.Error, info *whowhenv1.ErrorInfo) *connect.Error {
	// Fails only for strings that are not UTF-8, which a request's field path and the
	// words of the code are not; then the error itself still tells.
	if detail, err := connect.NewErrorDetail(info); err == nil {
		e.AddDetail(detail)
	}
	return e
}
