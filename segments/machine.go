package segments

import (
	"bytes"
	"os"
	"strconv"
)

// memoryBytes returns how much memory the process may take: the machine's, or less where a control group says so; 3 GiB where
// neither can be told.
func memoryBytes() int64 {
	limit := physicalBytes()
	if limit <= 0 {
		limit = 3 << 30
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64); err == nil && n > 0 { // "max" is no number
			limit = min(limit, n)
		}
	}
	return limit
}
