package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"whowhen.dev/whowhen/cmd/internal/load"
)

var update = flag.Bool("update", false, "write what the scripts and goldens should hold")

// TestMain makes this test binary the program, too, when it is called whowhen.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"whowhen": func() { os.Exit(run(scriptClock(), scriptExecutable)) },
	})
}

// scriptClock is the machine's clock, set to begin at what the environment says, if it does. It
// sleeps a tenth as long.
func scriptClock() load.Clock {
	clock := load.SystemClock()
	sleep := clock.Sleep
	clock.Sleep = func(ctx context.Context, d time.Duration) error { return sleep(ctx, d/10) }
	if text := os.Getenv("WHOWHEN_TEST_NOW"); text != "" {
		begin, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		started := time.Now()
		clock.Now = func() time.Time { return begin.Add(time.Since(started)) }
	}
	return clock
}

// scriptExecutable is this program, unless the environment names another one to be run in its place.
func scriptExecutable() (string, error) {
	if path := os.Getenv("WHOWHEN_TEST_EXECUTABLE"); path != "" {
		return path, nil
	}
	return os.Executable()
}

// TestScripts runs the program as its users do. The scripts' own commands:
//
//	exits CODE PROGRAM ARGS...   run a program, which must exit with the code
//	served DIR                   wait until the server of DIR answers, and set $URL and $ADDRESS, which has no scheme
//	held DIR                     hold DIR as another command would, until the end of the script
//	taken                        listen somewhere until the end of the script, and set $TAKEN
//	health                       GET $URL/healthz; stdout is the status and the text
//	post PATH FILE               POST a file of JSON to $URL; the answer, as JSON without spaces, is stdout
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("WHOWHEN_TEST_NOW", "2026-04-01T12:00:00Z")
			env.Setenv("COLUMNS", "80")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "served": scriptServed, "held": scriptHeld, "taken": scriptTaken, "post": scriptPost, "health": scriptHealth,
		},
	})
}

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func scriptServed(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	for range 500 {
		if s := liveServer(context.Background(), dir); s != nil {
			ts.Setenv("URL", s.Address)
			ts.Setenv("ADDRESS", strings.TrimPrefix(s.Address, "http://"))
			return
		}
		time.Sleep(20 * time.Millisecond) // another process has to come up
	}
	ts.Fatalf("no server holds %s", dir)
}

func scriptHeld(ts *testscript.TestScript, _ bool, args []string) {
	m := &Main{Clock: load.SystemClock(), Stderr: os.Stderr}
	m.flags.Data = ts.MkAbs(args[0])
	_, err := m.openHome(context.Background())
	ts.Check(err)
	ts.Defer(func() { ts.Check(m.Close()) })
}

func scriptTaken(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("TAKEN", l.Addr().String())
}

func scriptPost(ts *testscript.TestScript, _ bool, args []string) {
	answer, err := http.Post(ts.Getenv("URL")+args[0], "application/json", strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	defer answer.Body.Close()
	var v any
	ts.Check(json.NewDecoder(answer.Body).Decode(&v))
	text, err := json.Marshal(v)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(text))
}

func scriptHealth(ts *testscript.TestScript, _ bool, _ []string) {
	answer, err := http.Get(ts.Getenv("URL") + "/healthz")
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s", answer.StatusCode, text)
}
