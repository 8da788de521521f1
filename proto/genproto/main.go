// Command genproto writes proto/gen from the .proto files of the module it is run in. It
// needs neither protoc nor a network: the compiler is a library, and the plugins
// are the module's own tools.
//
//	go run ./proto/genproto          write
//	go run ./proto/genproto -check   write nothing; fail when proto/gen is not what would be written
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when proto/gen is not what would be written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *check); err != nil {
		fmt.Fprintln(os.Stderr, "genproto:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	files, err := generate(ctx, root)
	if err != nil {
		return err
	}
	gen := filepath.Join(root, "proto", "gen")
	if check {
		return compare(gen, files)
	}
	return write(gen, files)
}

// moduleRoot returns the nearest directory at or above the current one with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above: run this inside the module")
		}
		dir = parent
	}
}
