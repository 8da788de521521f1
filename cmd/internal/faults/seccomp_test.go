//go:build linux && (amd64 || arm64)

package faults

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rule names a system call that the kernel is to ask about.
type rule struct {
	call uintptr
	// all of these must hold, where there are any: the argument has one of the bits.
	where []bits
}

type bits struct{ argument, mask uint32 }

// filter returns the program by which the kernel sorts the calls: those of the rules are asked about, all others
// run as ever. It does not look at the architecture of the caller, as it is no fence: it is for a program of ours.
func filter(rules []rule) []unix.SockFilter {
	// Offsets in struct seccomp_data; of an argument, that of its lower half on a little-endian machine.
	const number, arguments = 0, 16
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	answer := func(what uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
	}
	program := []unix.SockFilter{load(number)}
	for _, r := range rules {
		var then []unix.SockFilter
		for _, b := range r.where {
			then = append(then, load(arguments+8*b.argument),
				unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: b.mask, Jt: 1},
				answer(unix.SECCOMP_RET_ALLOW))
		}
		then = append(then, answer(unix.SECCOMP_RET_USER_NOTIF))
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(r.call), Jf: uint8(len(then))})
		program = append(program, then...)
	}
	return append(program, answer(unix.SECCOMP_RET_ALLOW))
}

// install gives the calling thread, and what it becomes by execve, a filter. It returns the file by which
// the kernel asks.
func install(program []unix.SockFilter) (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("no_new_privs: %w", err)
	}
	// The second flag keeps the signals by which Go's scheduler interrupts threads from starting a call over that
	// has been asked about already, which would count it twice.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&p)))
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}

// launch makes the calling process the program of argv under the filter. It sends the file by which the kernel asks
// to the socket with number fd, or why there is none; it returns only when it failed.
func launch(fd int, rules []rule, argv []string) error {
	runtime.LockOSThread() // the filter is the thread's that calls execve
	unix.CloseOnExec(fd)
	listener, err := install(filter(rules))
	if err != nil {
		return errors.Join(err, unix.Sendmsg(fd, []byte(err.Error()), nil, nil, 0))
	}
	if err := unix.Sendmsg(fd, []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// received returns what launch has sent to the other end of its socket.
func received(fd int) (listener int, err error) {
	message, control := make([]byte, 1000), make([]byte, unix.CmsgSpace(4))
	n, controls, _, _, err := unix.Recvmsg(fd, message, control, unix.MSG_CMSG_CLOEXEC)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, errors.New("the launcher ended")
	case controls == 0:
		return 0, errors.New(string(message[:n]))
	}
	parsed, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil {
		return 0, err
	}
	fds, err := unix.ParseUnixRights(&parsed[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// question is the kernel's struct seccomp_notif: a thread is held in a call.
type question struct {
	ID        uint64
	Thread    uint32
	_         uint32
	Call      int32
	_         uint32
	_         uint64
	Arguments [6]uint64
}

// reply is the kernel's struct seccomp_notif_resp.
type reply struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

// listener is the file by which the kernel asks. It is for one goroutine.
type listener int

// next waits for a question. It returns false when nobody is left who could ask.
func (l listener) next() (question, bool, error) {
	for {
		poll := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return question{}, false, err
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return question{}, false, nil
		}
		var q question
		switch errno := l.control(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&q)); errno {
		case 0:
			return q, true, nil
		case unix.ENOENT, unix.EINTR: // the thread was interrupted or killed before its question was read
		default:
			return question{}, false, errno
		}
	}
}

// waits says whether the asking thread still waits. What was read of a thread before this returned true
// was that thread's, and not another's with its number.
func (l listener) waits(q question) bool {
	return l.control(unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&q.ID)) == 0
}

// do lets the call happen.
func (l listener) do(q question) {
	l.answer(reply{ID: q.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// fail has the call return an error without happening.
func (l listener) fail(q question, errno syscall.Errno) {
	l.answer(reply{ID: q.ID, Error: -int32(errno)})
}

func (l listener) answer(r reply) {
	// Fails only when the thread has been killed, and then there is nobody to tell.
	_ = l.control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

func (l listener) control(request uintptr, argument unsafe.Pointer) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), request, uintptr(argument))
	return errno
}
