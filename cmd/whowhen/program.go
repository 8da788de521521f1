package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"whowhen.dev/whowhen/cmd/internal/load"
	"whowhen.dev/whowhen/segments"
)

// Main is one run of the program. All that it takes from the machine is in its fields, so that
// tests run the program itself.
type Main struct {
	Name string   // the program, as it was called
	Args []string // without the program

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Columns of the terminal behind Stdout and Stderr; 0 when there is none.
	StdoutWidth, StderrWidth int

	Getenv func(string) string
	// Executable returns the path of this program, for the part of it that runs in a process of its own. With nil
	// that part is left out.
	Executable func() (string, error)

	Clock   load.Clock
	Version string

	flags    grammar
	storage  segments.Options // as the command wants it; Clock and Logger have defaults
	selected *kong.Context    // nil when there is nothing left to do
	closers  []func() error
}

// Main parses, runs, closes and reports, and returns the exit code.
func (m *Main) Main(ctx context.Context) int {
	err := m.ParseFlags()
	if err != nil {
		return m.report(ctx, err)
	}
	code := m.report(ctx, m.Run(ctx))
	// What fails here is never what an interruption does.
	if closing := m.report(context.WithoutCancel(ctx), m.Close()); code == exitDone {
		code = closing
	}
	return code
}

// ParseFlags reads Args. When they ask for help, it prints that, and Run has nothing to do.
func (m *Main) ParseFlags() error {
	exited := false
	parser, err := kong.New(&m.flags,
		kong.Name("whowhen"),
		kong.Description(m.flags.description()),
		kong.Writers(m.Stdout, m.Stderr),
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: helpWidth}),
	)
	if err != nil {
		return err
	}
	args := m.Args
	if len(args) == 0 {
		args = []string{"--help"}
	}
	selected, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return m.parseFailure(err)
	}
	if err := m.flags.settle(m.Getenv); err != nil {
		return err
	}
	m.selected = selected
	return nil
}

// helpWidth bounds the width of help texts, which very wide lines make harder to read.
const helpWidth = 96

func (m *Main) parseFailure(err error) error {
	command := "whowhen"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			command = node.FullPath()
		}
	}
	return usageError("%v\nRun \"%s --help\" for what it takes.", err, command)
}

// Run does what the flags ask for.
func (m *Main) Run(ctx context.Context) error {
	if m.selected == nil {
		return nil
	}
	if err := m.checkArguments(); err != nil {
		return err
	}
	m.selected.BindTo(ctx, (*context.Context)(nil))
	return m.selected.Run(m)
}

// Close closes what Run has opened, the latest first.
func (m *Main) Close() error {
	var errs []error
	for len(m.closers) > 0 {
		last := len(m.closers) - 1
		errs = append(errs, m.closers[last]())
		m.closers = m.closers[:last]
	}
	return errors.Join(errs...)
}

func (m *Main) onClose(f func() error) { m.closers = append(m.closers, f) }

// command returns how the program is called in examples: as it was called, or by its plain
// name when it is found by that.
func (m *Main) command() string {
	if m.Name == "" || filepath.Base(m.Name) == m.Name {
		return "whowhen"
	}
	return quoteForShell(m.Name)
}

// say prints a line for people.
func (m *Main) say(format string, args ...any) {
	fmt.Fprintf(m.Stderr, format+"\n", args...)
}

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
