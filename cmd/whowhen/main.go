// Command whowhen decides whom to message: it keeps what client ids did, and answers who is
// in which audience. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"

	"whowhen.dev/whowhen/cmd/internal/load"
)

func main() { os.Exit(run(load.SystemClock(), os.Executable)) }

// run runs the program on this machine and returns its exit code.
func run(clock load.Clock, executable func() (string, error)) int {
	// A reader that goes away, such as head, is an error of the write and no reason to die.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	m := &Main{
		Name:        os.Args[0],
		Args:        os.Args[1:],
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		StdoutWidth: terminalWidth(os.Stdout),
		StderrWidth: terminalWidth(os.Stderr),
		Getenv:      os.Getenv,
		Executable:  executable,
		Clock:       clock,
		Version:     version(),
	}
	return m.Main(ctx)
}

// terminalWidth returns the columns of a terminal, and 0 for anything else.
func terminalWidth(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 0
	}
	return width
}

// version returns the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	v := "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v += "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "+changes"
		}
	}
	return v
}
