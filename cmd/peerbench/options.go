package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// options are what the command line says.
type options struct {
	cids    int
	rounds  int
	figures []string
	engines []string
	json    string // file, "-" for standard output in place of the table, "" for none
	help    bool
}

// parseOptions reads the command line, and says what is wrong with it.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{}
	only := ""
	f := flag.NewFlagSet("peerbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.cids, "cids", 10_000_000, "how many CIDs to make")
	f.IntVar(&o.rounds, "rounds", 7, "how many rounds to make; in each, every engine is asked many times in turn")
	f.StringVar(&only, "only", "", "measure these figures or engines only, separated by commas:\n"+strings.Join(figureNames(), ", ")+"; "+strings.Join(engineNames(), ", "))
	f.StringVar(&o.json, "json", "", "write the figures as JSON to this `FILE`; - stands for standard output, in place of the table")
	switch err := f.Parse(args); {
	case err == flag.ErrHelp:
		o.help = true
		return o, nil
	case err != nil:
		return o, err
	}
	err := o.check(f.Args(), only)
	if err != nil {
		fmt.Fprintln(stderr, "peerbench:", err)
	}
	return o, err
}

func (o *options) check(rest []string, only string) error {
	const fewest, most = 1000, 100_000_000
	switch {
	case len(rest) > 0:
		return fmt.Errorf("it takes no arguments, and %q is one", rest[0])
	case o.cids < fewest || o.cids > most:
		return fmt.Errorf("--cids takes a number from %d to %d, not %d", fewest, most, o.cids)
	case o.rounds < 1:
		return fmt.Errorf("--rounds takes a number above 0, not %d", o.rounds)
	}
	if only != "" {
		for name := range strings.SplitSeq(only, ",") {
			switch {
			case slices.Contains(figureNames(), name):
				o.figures = append(o.figures, name)
			case slices.Contains(engineNames(), name):
				o.engines = append(o.engines, name)
			default:
				return fmt.Errorf("--only: there is no %q; there are the figures %s and the engines %s",
					name, strings.Join(figureNames(), ", "), strings.Join(engineNames(), ", "))
			}
		}
	}
	if o.figures == nil {
		o.figures = figureNames()
	}
	if o.engines == nil {
		o.engines = engineNames()
	}
	return nil
}
