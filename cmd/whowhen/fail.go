package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"

	"whowhen.dev/whowhen/cmd/internal/load"
	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2 // wrong usage or wrong expression
	exitRejected = 3 // done, but some rows were rejected
)

// exitError ends the program with a code. Its message is for people; an empty one says that
// all has been said.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

func failure(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Sprintf(format, args...)}
}

// errRejected ends the program when the summary has told of rejected rows.
func errRejected() error { return &exitError{code: exitRejected} }

// aboutExpression adds the expression to an error of a call, for the caret line.
func aboutExpression(err error, text string) error {
	if err == nil {
		return nil
	}
	return &expressionError{err, text}
}

type expressionError struct {
	err  error
	text string
}

func (e *expressionError) Error() string { return e.err.Error() }
func (e *expressionError) Unwrap() error { return e.err }

// report tells people about an error and returns the exit code for it.
func (m *Main) report(ctx context.Context, err error) int {
	if err == nil || isBrokenPipe(err) {
		return exitDone
	}
	if ctx.Err() != nil {
		m.say("whowhen: interrupted")
		return exitFailed
	}
	code, message := explainError(err)
	if message != "" {
		m.say("whowhen: %s", message)
	}
	return code
}

// explainError returns the exit code for an error and what to tell people.
func explainError(err error) (int, string) {
	text, isExpression := "", false
	if about := (*expressionError)(nil); errors.As(err, &about) {
		text, isExpression = about.text, true
	}
	var exit *exitError
	var syntax *expr.Error
	var rpc *connect.Error
	var usage *load.UsageError
	var known *segments.Error
	switch {
	case errors.As(err, &exit):
		return exit.code, exit.message
	case errors.As(err, &usage):
		if errors.As(err, &syntax) && isExpression {
			return exitUsage, usage.Flag + ": " + withCaret(syntax, text)
		}
		return exitUsage, sentence(usage.Error())
	case errors.As(err, &rpc):
		return explainRPC(rpc, text)
	case errors.As(err, &known):
		if known.Reason == segments.ZoneUnknown || known.Reason == segments.AppNameInvalid {
			return exitUsage, sentence(known.Error())
		}
		return exitFailed, sentence(known.Error())
	}
	return exitFailed, sentence(err.Error())
}

func explainRPC(err *connect.Error, text string) (int, string) {
	info := errorInfo(err)
	if info == nil && err.Code() == connect.CodeUnavailable { // no server of ours has answered
		return exitFailed, fmt.Sprintf("no answer from the server: %v. Is it running, and at that address?", innermost(err))
	}
	if info == nil && brokenOff(err) {
		return exitFailed, fmt.Sprintf("no whole answer from the server: %v. Is it still running?", innermost(err))
	}
	if info != nil && info.Offset != nil {
		// The server sends the offset apart, and the message with it.
		message := strings.TrimPrefix(err.Message(), fmt.Sprintf("at byte %d: ", *info.Offset))
		return exitUsage, withCaret(&expr.Error{Offset: int(*info.Offset), Message: message}, text)
	}
	if err.Code() == connect.CodeInvalidArgument {
		return exitUsage, sentence(err.Message())
	}
	return exitFailed, sentence(err.Message())
}

// brokenOff says whether a call failed as what was being answered broke off.
func brokenOff(err *connect.Error) bool {
	var network *net.OpError
	return !connect.IsWireError(err) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network))
}

// innermost returns the cause of an error that people need to know: of a network error what
// happened and where, without the calls that led there.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if _, network := err.(*net.OpError); network || inner == nil {
			return err
		}
		err = inner
	}
}

// errorInfo returns the detail that every error of the API carries, or nil.
func errorInfo(err *connect.Error) *whowhenv1.ErrorInfo {
	for _, d := range err.Details() {
		if v, valueErr := d.Value(); valueErr == nil {
			if info, ok := v.(*whowhenv1.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}

// withCaret shows where in an expression the fault is.
func withCaret(e *expr.Error, text string) string {
	line, caret, _ := strings.Cut(e.Caret(text), "\n")
	return sentence(e.Message) + "\n\n  " + line + "\n  " + caret
}

// sentence ends a message with a full stop, so that it does not run into what follows.
func sentence(message string) string {
	message = strings.TrimRightFunc(message, unicode.IsSpace)
	if message == "" || strings.HasSuffix(message, ".") || strings.HasSuffix(message, "?") {
		return message
	}
	return message + "."
}

// capital begins a text with a capital.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
