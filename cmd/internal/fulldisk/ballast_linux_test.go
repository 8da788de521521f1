package fulldisk

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"whowhen.dev/whowhen/cmd/internal/power/disk"
)

// ballast is a file of another program's, which takes room from the server.
type ballast struct {
	disk  *disk.Mounted
	file  *os.File
	bytes int64
}

func newBallast(t testing.TB, d *disk.Mounted) *ballast {
	f, err := os.OpenFile(d.Path("ballast"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &ballast{disk: d, file: f}
}

// leave grows it until only so many bytes of the disk are free, if there are more.
func (b *ballast) leave(bytes int64) error {
	free, err := b.disk.Free()
	if err != nil || free <= bytes {
		return err
	}
	return b.grow(free - bytes)
}

func (b *ballast) grow(bytes int64) error {
	if err := unix.Fallocate(int(b.file.Fd()), 0, b.bytes, bytes); err != nil {
		return fmt.Errorf("ballast of %d bytes more: %w", bytes, err)
	}
	b.bytes += bytes
	return nil
}

// fill grows it until nothing is free.
func (b *ballast) fill() error {
	for step := int64(64 << 20); step >= 4096; {
		err := b.grow(step)
		if errors.Is(err, unix.ENOSPC) {
			step /= 2
		} else if err != nil {
			return err
		}
	}
	return nil
}

// drop gives all its room back.
func (b *ballast) drop() error {
	b.bytes = 0
	return b.file.Truncate(0)
}
