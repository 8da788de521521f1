package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindowBytes bounds what one .zst may ask for in memory. zstd asks for at most 8 MiB unless told
// --ultra or --long.
const maxZstdWindowBytes = 64 << 20

// source is one input that can be read from its start more than once.
type source struct {
	name  string // as the caller wrote it
	path  string
	size  int64 // of the file as it is
	spool bool  // whether path is a temporary copy
}

// newSource finds a file, and spools it when it cannot be read twice.
func newSource(ctx context.Context, job *Job, name string) (*source, error) {
	from := job.Stdin
	if name != "-" {
		if strings.HasSuffix(strings.ToLower(name), ".parquet") {
			return nil, parquetError(name)
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, usage("", "%s is a directory: name the files in it", name)
		}
		if info.Mode().IsRegular() {
			return &source{name: name, path: name, size: info.Size()}, nil
		}
		from = f
	} else if from == nil {
		return nil, usage("", "there is no standard input to read")
	}
	return spool(ctx, job.TempDir, name, from)
}

func parquetError(name string) error {
	return usage("", "%s: Parquet files are not read; write the table as CSV or JSON lines", name)
}

func spool(ctx context.Context, dir, name string, from io.Reader) (*source, error) {
	f, err := os.CreateTemp(dir, "whowhen-load-*")
	if err != nil {
		return nil, fmt.Errorf("%s cannot be spooled: %w", name, err)
	}
	size, err := io.Copy(f, contextReader{ctx, from})
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return nil, fmt.Errorf("%s cannot be spooled to %s: %w", name, filepath.Dir(f.Name()), err)
	}
	return &source{name: name, path: f.Name(), size: size, spool: true}, nil
}

// remove deletes the temporary copy, if there is one.
func (s *source) remove() {
	if s.spool {
		os.Remove(s.path)
	}
}

// contextReader fails once its context has ended.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// countingReader adds up what is read.
type countingReader struct {
	from  io.Reader
	total *atomic.Int64
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.total.Add(int64(n))
	return n, err
}

// content is the decompressed text of a source.
type content struct {
	io.Reader
	close func()
}

// open begins to read the source. Bytes are counted as they are in the file.
func (s *source) open(ctx context.Context, read *atomic.Int64) (*content, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	raw := bufio.NewReaderSize(countingReader{contextReader{ctx, f}, read}, 64<<10)
	c := &content{Reader: raw, close: func() { f.Close() }}
	head, err := raw.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	ending := strings.ToLower(filepath.Ext(s.name))
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: the gzip header is damaged: %w", s.name, err)
		}
		c.Reader = archiveReader{z, s.name}
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindowBytes))
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: the zstd header is damaged: %w", s.name, err)
		}
		c.Reader, c.close = archiveReader{z, s.name}, func() { z.Close(); f.Close() }
	case ending == ".gz" && len(head) > 0:
		f.Close()
		return nil, usage("", "%s is not gzip although its name says so", s.name)
	case ending == ".zst" && len(head) > 0:
		f.Close()
		return nil, usage("", "%s is not zstd although its name says so", s.name)
	case bytes.Equal(head, []byte("PAR1")):
		f.Close()
		return nil, parquetError(s.name)
	}
	return c, nil
}

// archiveReader says of an error that it is the archive's.
type archiveReader struct {
	from io.Reader
	name string
}

func (r archiveReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	switch {
	case err == nil || err == io.EOF:
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s: the archive ends too early: it is truncated", r.name)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = usage("", "%s takes more than %d MiB of memory to unpack: compress it without --ultra and --long", r.name, maxZstdWindowBytes>>20)
	default:
		err = fmt.Errorf("%s: the archive is damaged: %w", r.name, err)
	}
	return n, err
}

// format finds out how the decompressed text is written.
func (s *source) format(want Format, head []byte) (Format, error) {
	if want != FormatByName {
		return want, nil
	}
	name := strings.ToLower(s.name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\uFEFF")), " \t\r\n")
	switch filepath.Ext(name) {
	case ".csv":
		return CSV, nil
	case ".json":
		if bytes.HasPrefix(head, []byte("[")) {
			return "", usage("", "%s holds one array: write one object a line", s.name)
		}
		return JSONLines, nil
	case ".jsonl", ".ndjson":
		return JSONLines, nil
	}
	if bytes.HasPrefix(head, []byte("{")) {
		return JSONLines, nil
	}
	return CSV, nil
}
