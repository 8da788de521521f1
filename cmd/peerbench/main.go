// Command peerbench asks whowhen, DuckDB and Redis the same questions of the same data on this machine, checks that all
// answer exactly the same, and prints how long each takes. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the program and returns its exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return 2 // parseOptions has said why
	}
	if o.help {
		return 0
	}
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	c := &comparison{options: o, say: say, now: time.Now}
	err = errors.Join(c.run(ctx), c.close())
	switch {
	case ctx.Err() != nil:
		say("peerbench: stopped.")
		return 1
	case err != nil:
		say("peerbench: %v", err)
		return 1
	}
	if err := c.print(stdout); err != nil {
		say("peerbench: %v", err)
		return 1
	}
	return 0
}
