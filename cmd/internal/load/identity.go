package load

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// loadID names a load: the content of a file and the flags that shape its rows. The types that were found and what
// offsets were taken for are left out, because they hang on the other files of the run.
func loadID(p *plan, format Format, content [sha256.Size]byte) string {
	job := p.job
	at, where := "", ""
	if !job.At.IsZero() {
		at = strconv.FormatInt(job.At.UnixMilli(), 10)
	}
	if p.cond != nil {
		where = p.cond.String()
	}
	parts := []string{
		"whowhen load 1", string(job.Kind), string(format), string(content[:]),
		job.Event, job.Tag, strconv.FormatBool(job.Only), where, job.Zone.String(), job.TimeFormat, job.TimeUnit, at,
	}
	if job.Offsets != OffsetsAuto {
		parts = append(parts, string(job.Offsets)+" offsets")
	}
	for _, pairs := range [][]Pair{sorted(job.Map), sorted(job.Types), job.Set} {
		parts = append(parts, strconv.Itoa(len(pairs)))
		for _, pair := range pairs {
			parts = append(parts, pair.Name, pair.Value)
		}
	}
	var text []byte
	for _, part := range parts { // each behind its length, so that no two sets of flags look alike
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sorted puts pairs whose order means nothing into one order.
func sorted(pairs []Pair) []Pair {
	pairs = slices.Clone(pairs)
	slices.SortFunc(pairs, func(a, b Pair) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	return pairs
}
