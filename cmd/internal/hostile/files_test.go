//go:build linux

package hostile

import (
	"bytes"

	"github.com/klauspost/compress/zstd"
)

// zeros returns n zero bytes, compressed with gzip ("gz") or zstd ("zst").
func zeros(ending string, n int) []byte {
	if ending == "gz" {
		return gzipped(0, n)
	}
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // the options are constant
	}
	block := make([]byte, 1<<20)
	for ; n > 0; n -= len(block) {
		z.Write(block[:min(n, len(block))]) // to memory, which does not fail
	}
	z.Close()
	return packed.Bytes()
}
