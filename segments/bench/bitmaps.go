package bench

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"path/filepath"
	"strings"

	"whowhen.dev/whowhen/segments/internal/baseline"
	"whowhen.dev/whowhen/segments/internal/bitmap"
)

// Bitmaps measures unions and intersections of real bitmaps: of all neighbouring pairs, and of all at once, by the blocks
// of the index and by the library, and compares every answer. The file is a zip of text files, each with the members
// of a bitmap, ascending and separated by commas, as the authors of roaring publish theirs.
func Bitmaps(ctx context.Context, p Pace, file string) ([]Figure, error) {
	lists, err := readBitmaps(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	ours, theirs := make([]blockSet, len(lists)), make([]*baseline.Set, len(lists))
	top := uint32(0)
	for i, members := range lists {
		ours[i], theirs[i] = newBlockSet(members), baseline.FromMembers(members)
		if len(members) > 0 {
			top = max(top, members[len(members)-1])
		}
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	var figures []Figure
	room := new(combiner)
	for _, c := range []struct {
		name   string
		size   int // sets at a time
		ours   func(*combiner, []blockSet) uint64
		theirs func([]*baseline.Set) uint64
	}{
		{"union_pairs", 2, (*combiner).union, baseline.Union},
		{"intersection_pairs", 2, (*combiner).intersection, baseline.Intersection},
		{"union_all", len(lists), (*combiner).union, baseline.Union},
		{"intersection_all", len(lists), (*combiner).intersection, baseline.Intersection},
	} {
		f := Figure{Name: name + "." + c.name, CIDs: int(top) + 1, Note: fmt.Sprintf("%d bitmaps, %d at a time", len(lists), c.size)}
		want := make([]uint64, len(lists)-c.size+1)
		for i := range want {
			want[i] = c.theirs(theirs[i : i+c.size])
			if got := c.ours(room, ours[i:i+c.size]); got != want[i] {
				return nil, &DisagreementError{f.Name, fmt.Sprintf("bitmaps %d to %d", i, i+c.size-1), got, want[i]}
			}
		}
		measure := func(count func(i int) uint64) (Samples, uint64, error) {
			total := uint64(0)
			samples, err := p.Measure(ctx, func(int) error {
				total = 0
				for i := range want {
					total += count(i)
				}
				return nil
			})
			return samples, total, err
		}
		mine, a, err := measure(func(i int) uint64 { return c.ours(room, ours[i:i+c.size]) })
		if err != nil {
			return nil, err
		}
		others, b, err := measure(func(i int) uint64 { return c.theirs(theirs[i : i+c.size]) })
		if err != nil {
			return nil, err
		}
		f.Times(mine)
		f.Result, f.BaselineResult = &a, &b
		f.BaselineP50US = Microseconds(others.Quantile(.5))
		f.Speedup = f.BaselineP50US / f.P50US
		figures = append(figures, f)
	}
	return figures, nil
}

// readBitmaps reads the members of each bitmap of a zip.
func readBitmaps(file string) ([][]uint32, error) {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var lists [][]uint32
	for _, entry := range archive.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		content, err := entry.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		members, err := readMembers(content)
		if err = errors.Join(err, content.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		lists = append(lists, members)
	}
	if len(lists) < 2 {
		return nil, fmt.Errorf("there are %d bitmaps in it; at least 2 are needed", len(lists))
	}
	return lists, nil
}

// readMembers reads ascending numbers separated by commas.
func readMembers(from io.Reader) ([]uint32, error) {
	r := bufio.NewReaderSize(from, 1<<16)
	var members []uint32
	number, digits := uint64(0), 0
	end := func() error {
		if digits == 0 {
			return fmt.Errorf("number %d is empty", len(members)+1)
		}
		if n := len(members); n > 0 && uint64(members[n-1]) >= number {
			return fmt.Errorf("number %d is %d, which does not ascend", n+1, number)
		}
		members = append(members, uint32(number))
		number, digits = 0, 0
		return nil
	}
	for {
		c, err := r.ReadByte()
		switch {
		case err == io.EOF && digits == 0 && len(members) == 0:
			return nil, nil
		case err == io.EOF:
			return members, end()
		case err != nil:
			return nil, err
		case c == ',':
			if err := end(); err != nil {
				return nil, err
			}
		case c >= '0' && c <= '9':
			number, digits = number*10+uint64(c-'0'), digits+1
			if number > math.MaxUint32 {
				return nil, fmt.Errorf("number %d does not fit 32 bits", len(members)+1)
			}
		case c == '\n' || c == '\r' || c == ' ':
		default:
			return nil, fmt.Errorf("%q in number %d", c, len(members)+1)
		}
	}
}

// blockSet is a set of ordinals of the app as the index has it, by shard.
type blockSet []*bitmap.Bitmap

func newBlockSet(members []uint32) blockSet {
	var s blockSet
	for len(members) > 0 {
		shard := int(members[0] / bitmap.ShardOrdinals)
		var own []uint32
		for len(members) > 0 && int(members[0]/bitmap.ShardOrdinals) == shard {
			own, members = append(own, members[0]%bitmap.ShardOrdinals), members[1:]
		}
		for len(s) < shard {
			s = append(s, &bitmap.Bitmap{})
		}
		s = append(s, bitmap.New(own))
	}
	return s
}

// block returns a block, counted through all shards, or nil when it is empty.
func (s blockSet) block(k int) *bitmap.Block {
	if shard := k / bitmap.ShardBlocks; shard < len(s) {
		return s[shard].Block(k % bitmap.ShardBlocks)
	}
	return nil
}

// blocksOf returns how many blocks the sets span.
func blocksOf(sets []blockSet) int {
	n := 0
	for _, s := range sets {
		n = max(n, len(s)*bitmap.ShardBlocks)
	}
	return n
}

// combiner has the room that combining sets takes.
type combiner struct {
	conj    bitmap.Conj
	words   bitmap.Words
	members []uint16
}

func (c *combiner) union(sets []blockSet) uint64 {
	total := 0
	for k := range blocksOf(sets) {
		var only *bitmap.Block
		several := false
		for _, s := range sets {
			switch b := s.block(k); {
			case b == nil:
			case only == nil:
				only = b
			case !several:
				only.CopyTo(&c.words)
				several = true
				fallthrough
			default:
				b.OrInto(&c.words)
			}
		}
		switch {
		case several:
			total += c.words.Count()
		case only != nil:
			total += only.Count()
		}
	}
	return uint64(total)
}

// intersection looks the members of the emptiest block up in the others where that is a list, and goes over the words of all
// otherwise, as an evaluation does.
func (c *combiner) intersection(sets []blockSet) uint64 {
	shards, total := len(sets[0]), 0
	for _, s := range sets {
		shards = min(shards, len(s))
	}
	for shard := range shards {
		common := sets[0][shard].Blocks()
		for _, s := range sets[1:] {
			common &= s[shard].Blocks()
		}
		for ; common != 0; common &= common - 1 {
			k := bits.TrailingZeros16(common)
			least := sets[0][shard].Block(k)
			for _, s := range sets[1:] {
				if b := s[shard].Block(k); b.Count() < least.Count() {
					least = b
				}
			}
			if least.Dense() {
				c.conj.Reset()
				for _, s := range sets {
					c.conj.And(s[shard].Block(k).Words())
				}
				total += c.conj.Count()
				continue
			}
			members := least.Members(c.members[:0])
			for _, s := range sets {
				if b := s[shard].Block(k); b != least && len(members) > 0 {
					members = b.Keep(members)
				}
			}
			c.members = members[:0]
			total += len(members)
		}
	}
	return uint64(total)
}
