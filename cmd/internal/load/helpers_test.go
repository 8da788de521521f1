package load

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// reasons sums a rejects file up as "REASON row, REASON row".
func reasons(tb testing.TB, path string) string {
	tb.Helper()
	if path == "" {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	var list []string
	for _, line := range lines[1:] {
		list = append(list, line[4]+" "+line[1])
	}
	return strings.Join(list, ", ")
}
