//go:build linux && (amd64 || arm64)

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// launched, in the environment of the test binary, makes it the launcher of the program of its arguments.
const launched = "WHOWHEN_FAULTS_LAUNCHED"

// socketInChild is the number under which the launcher finds its socket: the first after stderr.
const socketInChild = 3

func TestMain(m *testing.M) {
	if os.Getenv(launched) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, "launcher:", launch(socketInChild, rules(), os.Args[1:]))
	os.Exit(1)
}

// fault says which operation fails, and how. The zero value is no fault.
type fault struct {
	number int // of the operation that fails, from 1; 0 is none
	errno  syscall.Errno
	stays  bool // later operations of its class fail as well
}

// at returns the same fault of another operation.
func (f fault) at(number int) fault {
	f.number = number
	return f
}

func (f fault) String() string {
	how := "once"
	if f.stays {
		how = "for good"
	}
	return fmt.Sprintf("%s %s", unix.ErrnoName(f.errno), how)
}

// injector answers for the kernel what becomes of the operations of one process on files below a directory.
type injector struct {
	dir    string
	fault  fault
	socket int // our end, to the launcher
	theirs *os.File
	ended  chan struct{} // closed when the process has ended

	mu         sync.Mutex
	operations []operation
	failed     []operation
	err        error // why the injector gave up, which leaves the process without disk
}

// inject makes command run under an injector. Wait for its end after that of the command.
func inject(t testing.TB, dir string, f fault, command *exec.Cmd) *injector {
	t.Helper()
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir)) // as the kernel names it
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command.Args = append([]string{self, command.Path}, command.Args[1:]...)
	command.Path = self
	command.Env = append(command.Environ(), launched+"=1")
	theirs := os.NewFile(uintptr(pair[1]), "socket of the launcher")
	command.ExtraFiles = []*os.File{theirs}
	in := &injector{dir: filepath.Join(parent, filepath.Base(dir)), fault: f, socket: pair[0], theirs: theirs, ended: make(chan struct{})}
	go in.run()
	return in
}

// wait returns when the process, which must have been killed or be about to end, is gone, and what it did.
func (in *injector) wait() (all, failed []operation, err error) {
	in.theirs.Close() // for a launcher that could not even say that it failed
	<-in.ended
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.operations, in.failed, in.err
}

// first returns the first operation that has failed, and the zero value when none has by now.
func (in *injector) first() operation {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.failed) == 0 {
		return operation{}
	}
	return in.failed[0]
}

// any says whether an operation of a kind has failed by now.
func (in *injector) any(is func(operation) bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.ContainsFunc(in.failed, is)
}

func (in *injector) run() {
	defer close(in.ended)
	defer unix.Close(in.socket)
	fd, err := received(in.socket)
	if err == nil {
		// Closed at the end: were the process still there, its calls would then fail rather than wait for ever.
		defer unix.Close(fd)
		err = in.serve(listener(fd))
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
}

func (in *injector) serve(l listener) error {
	for {
		q, more, err := l.next()
		if err != nil || !more {
			return err
		}
		o, ours, err := operationOn(in.dir, q)
		switch {
		case !l.waits(q): // killed meanwhile; whatever was read of it means nothing
		case err != nil:
			return err
		case ours && in.fails(o):
			l.fail(q, in.fault.errno)
		default:
			l.do(q)
		}
	}
}

// fails counts an operation and says whether it is to fail.
func (in *injector) fails(o operation) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.operations = append(in.operations, o)
	fails := len(in.operations) == in.fault.number ||
		in.fault.stays && len(in.failed) > 0 && in.failed[0].class == o.class
	if fails {
		in.failed = append(in.failed, o)
	}
	return fails
}
