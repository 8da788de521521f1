package segments

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// reserveBytes of disk are never filled. A disk that is full to the last byte ends the process inside
// Badger, which maps its files into memory.
const reserveBytes = 64 << 20

// openBytes must be free to open an index that was closed in order. It is less than the reserve, into which closing may have reached: an app
// whose writes were refused for want of room must open again.
const openBytes = reserveBytes / 2

// disk watches the room that is left for an app.
type disk struct {
	dir string

	mu        sync.Mutex
	freeBytes uint64
	askedAt   time.Time
}

// room returns an error when there is no room for so many bytes beside the reserve. The system is asked
// at most every 200 ms while there is plenty.
func (d *disk) room(bytes int64) error { return d.free(uint64(bytes) + reserveBytes) }

// free returns an error when not so many bytes are free.
func (d *disk) free(needed uint64) error {
	const plenty = 4 << 30
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.freeBytes < plenty || time.Since(d.askedAt) > 200*time.Millisecond {
		free, err := freeBytes(d.dir)
		if err != nil {
			return fmt.Errorf("free space of %s: %w", d.dir, err)
		}
		d.freeBytes, d.askedAt = free, time.Now()
	}
	if d.freeBytes < needed {
		dir, err := filepath.Abs(d.dir)
		if err != nil {
			dir = d.dir
		}
		return &Error{Reason: DiskFull, Retryable: true, Err: errNoRoom,
			Message: fmt.Sprintf("the disk of %s has %d bytes free, %d more are needed (64 MiB stay in reserve); make room, and writes go on", dir, d.freeBytes, needed-d.freeBytes)}
	}
	return nil
}

// half is room for something that can wait: it may take half of what is free beside the reserve.
func (d *disk) half(bytes int64) error { return d.room(2 * bytes) }

var errNoRoom = errors.New("no room")
