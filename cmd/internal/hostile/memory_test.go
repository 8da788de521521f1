//go:build linux

package hostile

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// mostAboveBaseMiB is what an attack may add to the memory of a program.
const mostAboveBaseMiB = 256

func needsTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the program for several seconds")
	}
}

func whole() bool { return os.Getenv("WHOWHEN_HOSTILE") == "all" }

// bombBytes is what the compressed bombs unpack to.
func bombBytes() int {
	if whole() {
		return 4 << 30
	}
	return 128 << 20
}

// memoryMiB reads a figure, such as VmRSS or VmHWM, of a process.
func memoryMiB(t testing.TB, pid int, figure string) float64 {
	t.Helper()
	mib, err := readMemory(pid, figure)
	if err != nil {
		t.Fatal(err)
	}
	return mib
}

func readMemory(pid int, figure string) (mib float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := strings.CutPrefix(string(line), figure+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no %s", pid, figure) // it has ended
}

// peakSoFarMiB returns the most memory that a process has had at a time, 0 once it has ended.
func peakSoFarMiB(pid int) float64 {
	mib, err := readMemory(pid, "VmHWM")
	if err != nil {
		return 0
	}
	return mib
}

// forgetPeak makes VmHWM begin anew.
func forgetPeak(t testing.TB, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}
