package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Memory returns what the process takes beside the hot cache, once the queries have been asked: dictionary, headers,
// Go heap and all else. Files that are mapped are left out, as the system takes their pages when it
// needs them. Call it before a Library is made.
func (e *Engine) Memory() (Figure, error) {
	f := Figure{Name: "memory", CIDs: e.data.CIDs}
	// What lies outside the Go heap goes when what refers to it has been found to be garbage: that takes a second time.
	for range 2 {
		debug.FreeOSMemory()
	}
	status, err := e.app.Status()
	if err != nil {
		return f, err
	}
	taken, how, err := residentBytes()
	if err != nil {
		return f, err
	}
	f.Bytes = taken - int64(status.CacheBytes)
	f.Note = fmt.Sprintf("%s of %d MiB less the hot cache of %d MiB", how, taken>>20, status.CacheBytes>>20)
	return f, nil
}

// residentBytes returns how much memory the process has that is not a file's, where the system tells, and otherwise what
// Go has taken.
func residentBytes() (bytes int64, how string, err error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys - m.HeapReleased), "memory that Go has taken", nil
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	found := false
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if name != "RssAnon" && name != "RssShmem" {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0, "", fmt.Errorf("/proc/self/status: %s: %w", name, err)
		}
		bytes, found = bytes+kib<<10, true
	}
	if err := lines.Err(); err != nil {
		return 0, "", err
	}
	if !found {
		return 0, "", fmt.Errorf("/proc/self/status says nothing of RssAnon")
	}
	return bytes, "resident memory", nil
}
