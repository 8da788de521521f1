package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// countFlag and weightFlag are numbers that a flag takes. One below 0 is read as a number and not as another flag, so that the command can say what it
// takes instead.
type (
	countFlag  int
	weightFlag float64
)

// Decode reads the flag's value.
func (c *countFlag) Decode(ctx *kong.DecodeContext) error {
	text, err := popNumber(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("takes a whole number, not %q", text)
	}
	*c = countFlag(n)
	return nil
}

// Decode reads the flag's value.
func (w *weightFlag) Decode(ctx *kong.DecodeContext) error {
	text, err := popNumber(ctx)
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("takes a number, not %q", text)
	}
	*w = weightFlag(v)
	return nil
}

// popNumber takes the next argument if it is a value, or begins as a number below 0 does.
func popNumber(ctx *kong.DecodeContext) (string, error) {
	next := ctx.Scan.Peek()
	if text := next.String(); !next.IsValue() && len(text) > 1 && text[0] == '-' && strings.IndexByte(".0123456789", text[1]) >= 0 {
		return ctx.Scan.Pop().String(), nil
	}
	if !next.IsValue() {
		return "", errors.New("takes a number")
	}
	return ctx.Scan.Pop().String(), nil
}
