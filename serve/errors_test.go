package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

func TestErrorsAreTold(t *testing.T) {
	_, syntax := expr.Parse(`tag("a") and`)
	secret := errors.New("/data/secret: broken pipe")
	for _, c := range []struct {
		err                  error
		code                 connect.Code
		reason, field, words string
		retryable            bool
	}{
		{syntax, connect.CodeInvalidArgument, "EXPRESSION_SYNTAX", "expression", "at byte 12", false},
		{&segments.Error{Reason: segments.AppUnknown, Field: "app", Message: "no app"}, connect.CodeNotFound, "APP_UNKNOWN", "app", "no app", false},
		{fmt.Errorf("write: %w", &segments.Error{Reason: segments.BatchIDReused, Message: "again"}), connect.CodeAlreadyExists, "BATCH_ID_REUSED", "", "again", false},
		{&segments.Error{Reason: segments.AsOfInFuture, Field: "read.as_of", Message: "tomorrow"}, connect.CodeInvalidArgument, "AS_OF_IN_FUTURE", "read.as_of", "tomorrow", false},
		{&segments.Error{Reason: segments.PositionNotReached, Message: "wait", Retryable: true}, connect.CodeUnavailable, "POSITION_NOT_REACHED", "", "wait", true},
		{&segments.Error{Reason: segments.ReadOnly, Message: "read only", Err: secret}, connect.CodeFailedPrecondition, "READ_ONLY", "", "read only", false},
		{&segments.Error{Reason: segments.ReadOnly, Message: "disk full", Retryable: true}, connect.CodeUnavailable, "READ_ONLY", "", "disk full", true},
		{&segments.Error{Reason: segments.IndexDamaged, Message: "damaged", Err: secret}, connect.CodeDataLoss, "INDEX_DAMAGED", "", "damaged", false},
		{&segments.Error{Reason: segments.LoadOutOfOrder, Message: "row 7"}, connect.CodeFailedPrecondition, "LOAD_OUT_OF_ORDER", "", "row 7", false},
		{&segments.Error{Reason: "NEW_REASON", Message: "new", Err: secret}, connect.CodeInternal, "NEW_REASON", "", "new", false},
		{&segments.Error{Reason: segments.ScoreUnknown, Field: "expression", Message: "no score"}, connect.CodeInvalidArgument, "SCORE_UNKNOWN", "expression", "no score", false},
		{&segments.Error{Reason: segments.ScoresOutOfOrder, Field: "chunk", Message: "a gap"}, connect.CodeFailedPrecondition, "SCORES_OUT_OF_ORDER", "chunk", "a gap", false},
		{invalid("batch_id", "too %s", "long"), connect.CodeInvalidArgument, "REQUEST_INVALID", "batch_id", "too long", false},
		{context.DeadlineExceeded, connect.CodeDeadlineExceeded, "DEADLINE_EXCEEDED", "", "longer", true},
		{context.Canceled, connect.CodeCanceled, "CANCELED", "", "gone", true},
		{&os.PathError{Op: "open", Path: "/data/secret", Err: os.ErrPermission}, connect.CodeInternal, "INTERNAL", "", "internal error", false},
	} {
		var log bytes.Buffer
		s := &Server{logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), startedAt: testNow}
		err := s.toConnect(t.Context(), "/test", c.err)
		code, info := infoOf(t, err)
		if code != c.code || info.Reason != c.reason || info.Field != c.field || info.Retryable != c.retryable || !strings.Contains(err.Message(), c.words) {
			t.Errorf("%v: told as %v, %v", c.err, err, info)
		}
		if strings.Contains(err.Message(), "secret") {
			t.Errorf("%v: the caller is told %s", c.err, err)
		}
		if strings.Contains(c.err.Error(), "secret") && !strings.Contains(log.String(), "secret") {
			t.Errorf("%v: the log has only %s", c.err, &log)
		}
	}
}

func TestSyntaxErrorHasOffsetAndExpected(t *testing.T) {
	_, syntax := expr.Parse(`count("x" >= 3`)
	var want *expr.Error
	if !errors.As(syntax, &want) {
		t.Fatal(syntax)
	}
	_, info := infoOf(t, (&Server{}).toConnect(t.Context(), "/test", syntax))
	if info.Offset == nil || int(*info.Offset) != want.Offset || info.Expected != want.Expected {
		t.Errorf("%v; want offset %d, expected %q", info, want.Offset, want.Expected)
	}
}

func TestCancelledByShutdown(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errShuttingDown)
	code, info := infoOf(t, (&Server{}).toConnect(ctx, "/test", ctx.Err()))
	if code != connect.CodeUnavailable || info.Reason != "SHUTTING_DOWN" || !info.Retryable {
		t.Errorf("%v %v", code, info)
	}
}

func TestInternalErrorsAreNumbered(t *testing.T) {
	var log bytes.Buffer
	s := &Server{logger: slog.New(slog.NewTextHandler(&log, nil)), startedAt: testNow}
	first, second := s.toConnect(t.Context(), "/a", errors.New("x")), s.toConnect(t.Context(), "/b", errors.New("y"))
	if first.Message() == second.Message() {
		t.Errorf("both are %s", first.Message())
	}
	id := strings.Fields(strings.TrimPrefix(first.Message(), "internal error "))[0]
	if id = strings.TrimSuffix(id, ";"); !strings.Contains(log.String(), "id="+id+" ") {
		t.Errorf("id %s is not in the log: %s", id, &log)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	var log bytes.Buffer
	s := &Server{logger: slog.New(slog.NewTextHandler(&log, nil)), startedAt: testNow, clock: testClock}
	err := guard{s}.run(t.Context(), "/whowhen.v1.X/Y", func() error { panic("secret of TestPanics") })
	code, info := infoOf(t, err)
	if code != connect.CodeInternal || info.Reason != "INTERNAL" || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v %v", err, info)
	}
	for _, want := range []string{"secret of TestPanics", "errors_test.go", "/whowhen.v1.X/Y"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, &log)
		}
	}
}
