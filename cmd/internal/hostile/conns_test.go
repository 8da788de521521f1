//go:build linux

package hostile

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// gone says whether the other side has closed a connection. It takes nothing that has arrived.
func gone(conn net.Conn) bool {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Read(func(fd uintptr) bool {
		var next [1]byte
		n, _, err := syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = err == nil && n == 0 || err != nil && !errors.Is(err, syscall.EAGAIN)
		return true
	})
	return closed || err != nil
}

// answerOn reads what has been answered on a connection of HTTP/1.1, if anything.
func answerOn(conn net.Conn) string {
	if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return closed
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "" // still waiting, as it may
	}
	if err != nil {
		return closed
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil || len(answer) == 64<<10 || response.StatusCode != http.StatusOK {
		if response.StatusCode == http.StatusOK {
			return "held"
		}
		return outcomeOf(response, answer)
	}
	return closed
}
