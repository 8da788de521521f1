package log

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A flip of one byte, anywhere, is refused by Open or while reading, with the
// file that has it and an offset not behind it; what is read before is right.
func TestEveryByteFlipped(t *testing.T) {
	m, names, last := sample(t)
	dir := t.TempDir()
	m.write(t, dir, "", nil)
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		put := func(at int, b byte) {
			t.Helper()
			if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		for at := range m[name] {
			for _, mask := range []byte{0x01, 0x80, 0xff, m[name][at]} { // the last one makes it zero
				if mask == 0 {
					continue
				}
				put(at, m[name][at]^mask)
				end, err := uint64(0), error(nil)
				l, rec, err := open(dir, Options{}, hastyFiles())
				if err == nil {
					end, err = readFrom(t, l, 1)
					l.Close()
				}
				c := asCorrupt(err)
				if c == nil {
					t.Fatalf("%s byte %d ^ %#x: recovery %+v, read up to %d of %d, error %v", name, at, mask, rec, end, last, err)
				}
				if filepath.Base(c.File) != name || c.Offset > int64(at) || c.Offset < int64(at)-60 {
					t.Fatalf("%s byte %d ^ %#x: reported as %v", name, at, mask, c)
				}
				put(at, m[name][at])
			}
		}
		if !m.equal(readImage(t, dir)) {
			t.Fatalf("%s: a refused log was changed", name)
		}
	}
}

// frameEnds returns the offsets at which whole frames end in the last segment.
func frameEnds(t *testing.T, segment []byte) (first uint64, ends []int64) {
	t.Helper()
	table := crc32.MakeTable(crc32.Castagnoli)
	h, err := decodeFileHeader(segment, table)
	if err != nil {
		t.Fatal(err)
	}
	s := scanner{table: table}
	s.start(bytes.NewReader(segment), h, int64(len(segment)))
	for ends = []int64{fileHeaderBytes}; err == nil; {
		if _, err = s.next(); err == nil {
			ends = append(ends, s.offset)
		}
	}
	return h.first, ends
}

// The last segment cut at every length, bare or followed by zeros: what is whole stays, the
// rest goes, is reported, and the log goes on.
func TestEveryTornTail(t *testing.T) {
	m, names, last := sample(t)
	name := names[len(names)-1]
	whole := m[name]
	first, ends := frameEnds(t, whole)
	dir := t.TempDir()
	check := func(label string, content []byte, wantEnd int64, wantLast uint64) {
		t.Helper()
		m.write(t, dir, name, content)
		l, rec, err := open(dir, Options{SegmentBytes: 150}, hastyFiles())
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		want := Recovery{}
		if cut := int64(len(content)) - wantEnd; cut > 0 || wantEnd == 0 {
			want = Recovery{File: filepath.Join(dir, name), Offset: wantEnd, Bytes: cut, Reason: rec.Reason}
		}
		if rec != want || (rec.File != "") != (rec.Reason != "") {
			t.Fatalf("%s: recovery %+v, want %+v", label, rec, want)
		}
		if l.Last() != wantLast {
			t.Fatalf("%s: last %d, want %d", label, l.Last(), wantLast)
		}
		mustAppend(t, l, 3)
		mustEnd(t, l, 1, wantLast+3)
		l.Close()
		l = mustOpen(t, dir, 150)
		mustEnd(t, l, 1, wantLast+3)
		l.Close()
	}
	for n := range len(whole) + 1 {
		if n < fileHeaderBytes {
			check(fmt.Sprintf("cut to %d", n), whole[:n], 0, first-1)
			check(fmt.Sprintf("%d zeros", n), make([]byte, n), 0, first-1)
			continue
		}
		records, end := uint64(0), int64(0)
		for i, e := range ends {
			if e <= int64(n) {
				records, end = uint64(i), e
			}
		}
		check(fmt.Sprintf("cut to %d", n), whole[:n], end, first-1+records)
	}
	check("zero header", make([]byte, fileHeaderBytes), 0, first-1)
	for zeros := range 3 * frameHeaderBytes {
		check(fmt.Sprintf("%d zeros after all", zeros), append(bytes.Clone(whole), make([]byte, zeros)...), int64(len(whole)), last)
		check(fmt.Sprintf("%d zeros after one", zeros), append(bytes.Clone(whole[:ends[1]]), make([]byte, zeros)...), ends[1], first)
	}
	check("many zeros", append(bytes.Clone(whole), make([]byte, 5*readChunkBytes)...), int64(len(whole)), last)
}

// Zeros that begin inside a frame, up to where it should end or beyond, are
// not told from damage, so they are refused.
func TestZerosWithinLastFrameRefused(t *testing.T) {
	m, names, _ := sample(t)
	name := names[len(names)-1]
	whole := m[name]
	_, ends := frameEnds(t, whole)
	start := ends[len(ends)-2]
	dir := t.TempDir()
	for from := start + 1; from < int64(len(whole)); from++ {
		bad := bytes.Clone(whole)
		clear(bad[from:])
		if bytes.Equal(bad, whole) {
			continue
		}
		for _, beyond := range []int{0, 1, 4096} {
			m.write(t, dir, name, append(bytes.Clone(bad), make([]byte, beyond)...))
			_, _, err := open(dir, Options{}, hastyFiles())
			if c := asCorrupt(err); c == nil || c.Offset != start {
				t.Fatalf("zeros from %d: %v", from, err)
			}
		}
	}
}

func TestLonelyTornHeader(t *testing.T) {
	dir := t.TempDir()
	for n := range fileHeaderBytes {
		path := filepath.Join(dir, segmentName(1))
		if err := os.WriteFile(path, bytes.Repeat([]byte{'x'}, n), filePerm); err != nil {
			t.Fatal(err)
		}
		l, rec, err := open(dir, Options{}, hastyFiles())
		if err != nil || rec.File != path || rec.Bytes != int64(n) || l.Last() != 0 {
			t.Fatalf("%d bytes: %+v, %v", n, rec, err)
		}
		mustAppend(t, l, 1)
		l.Close()
	}
}

// Directories that no crash leaves behind.
func TestRefusedDirectories(t *testing.T) {
	m, names, last := sample(t)
	lastName := names[len(names)-1]
	other := t.TempDir()
	l := mustOpen(t, other, 150)
	for range 9 { // same sizes and positions, other content
		p := payloadsFrom(l.Last()+1, 2)
		p[0][0] ^= 1
		if _, err := l.Append(p...); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	foreign := readImage(t, other)

	longer := func(b []byte) []byte { return append(bytes.Clone(b), 0) }
	zeroed := make([]byte, len(m[lastName]))
	table := crc32.MakeTable(crc32.Castagnoli)
	newer := bytes.Clone(m[names[0]][:fileHeaderBytes])
	newer[8] = 2
	copy(newer[fileHeaderBytes-4:], le32(crc32.Checksum(newer[:fileHeaderBytes-4], table)))
	gap, _ := appendFrame(bytes.Clone(m[lastName][:fileHeaderBytes]), last+5, nil, headerSum(t, m[lastName]), table)
	huge := bytes.Clone(m[lastName][:fileHeaderBytes])
	huge = append(huge, frameHead(frameMagic, MaxPayloadBytes+1, mustParse(t, lastName), headerSum(t, m[lastName]), table)...)

	kind := bytes.Clone(m[lastName][:fileHeaderBytes])
	kind = append(kind, frameHead(frameMagic+1, 0, mustParse(t, lastName), headerSum(t, m[lastName]), table)...)
	kind = append(kind, kind[len(kind)-4:]...) // for no payload, the frame's checksum is its header's

	for _, tt := range []struct {
		name, file string
		content    []byte
		corrupt    string // file that the error names
		says       string
	}{
		{"middle segment missing", names[1], nil, names[1], "missing"},
		{"segment renamed", segmentName(1000), m[names[1]], segmentName(1000), "renamed"},
		{"foreign segment in between", segmentName(2), begun(2, int64(len(m[names[0]])), table), segmentName(2), "not of this log"},
		{"foreign middle", names[1], foreign[names[1]], names[1], ""},
		{"foreign last", lastName, foreign[lastName], lastName, ""},
		{"earlier segment empty", names[1], []byte{}, names[1], "cut short"},
		{"earlier segment without header", names[0], m[names[0]][:20], names[0], "cut short"},
		{"earlier segment longer", names[0], longer(m[names[0]]), names[0], "bytes"},
		{"last segment all zeros, longer than a header", lastName, zeroed, lastName, ""},
		{"unfinished segment out of order", segmentName(last + 7), []byte{}, segmentName(last + 7), "does not follow"},
		{"unfinished segment in the past", segmentName(last), []byte{}, segmentName(last), "does not follow"},
		{"gap in positions", lastName, gap, lastName, "stands where"},
		{"length above the most", lastName, huge, lastName, "claims"},
		{"frame of another kind", lastName, kind, lastName, "checksum"},
		{"newer format", names[0], newer, "", "format 2"},
		{"short name", "1.log", []byte{}, "", "1.log"},
		{"position 0", segmentName(0), []byte{}, "", segmentName(0)},
		{"position above 64 bits", "99999999999999999999.log", []byte{}, "", "99999999999999999999.log"},
		{"word as name", "app.log", []byte{}, "", "app.log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			m.write(t, dir, tt.file, tt.content)
			before := readImage(t, dir)
			l, _, err := open(dir, Options{}, hastyFiles())
			if err == nil {
				_, err = readFrom(t, l, 1)
				l.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v", err)
			}
			if c := asCorrupt(err); (c != nil) != (tt.corrupt != "") || c != nil && filepath.Base(c.File) != tt.corrupt {
				t.Fatalf("reported as %v", err)
			}
			if !before.equal(readImage(t, dir)) {
				t.Fatal("a refused log was changed")
			}
		})
	}
	t.Run("oldest segment unfinished", func(t *testing.T) {
		dir := t.TempDir()
		image{}.write(t, dir, segmentName(50), m[names[0]][:10])
		if _, _, err := open(dir, Options{}, hastyFiles()); asCorrupt(err) == nil {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("directory", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, segmentName(1)), dirPerm); err != nil {
			t.Fatal(err)
		}
		if _, _, err := open(dir, Options{}, hastyFiles()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("other files are none of our business", func(t *testing.T) {
		dir := t.TempDir()
		m.write(t, dir, "notes.txt", []byte("x"))
		mustEnd(t, mustOpen(t, dir, 0), 1, last)
	})
}

// An earlier segment cut at every length, and the one before an unfinished
// last segment, are not torn: they were whole when the next was begun.
func TestEarlierSegmentCut(t *testing.T) {
	m, names, _ := sample(t)
	dir := t.TempDir()
	for _, name := range names[:len(names)-1] {
		for n := range m[name] {
			m.write(t, dir, name, m[name][:n])
			_, _, err := open(dir, Options{}, hastyFiles())
			if c := asCorrupt(err); c == nil || filepath.Base(c.File) != name || c.Offset > int64(n) {
				t.Fatalf("%s cut to %d: %v", name, n, err)
			}
		}
	}
	last := names[len(names)-1]
	next, ends := frameEnds(t, m[last])
	for n := int(ends[1]); n < len(m[last]); n++ { // with a record at least, or the two names would be one
		if n == int(ends[1]) {
			next, ends = next+1, ends[1:]
		}
		if n == int(ends[0]) {
			continue // not to be told from a shorter log
		}
		m.write(t, dir, last, m[last][:n])
		if err := os.WriteFile(filepath.Join(dir, segmentName(next)), nil, filePerm); err != nil {
			t.Fatal(err)
		}
		_, _, err := open(dir, Options{}, hastyFiles())
		if c := asCorrupt(err); c == nil || filepath.Base(c.File) != last || c.Offset != ends[0] {
			t.Fatalf("cut to %d before an unfinished segment: %v", n, err)
		}
	}
}

// A segment that is damaged while the log is open is refused by its readers.
func TestDamagedWhileOpen(t *testing.T) {
	m, names, last := sample(t)
	damages := map[string]func(path string) error{
		"cut":     func(path string) error { return os.Truncate(path, int64(len(m[names[1]])-3)) },
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"removed": os.Remove,
		"foreign": func(path string) error { return os.WriteFile(path, m[names[0]], filePerm) },
	}
	for what, damage := range damages {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			m.write(t, dir, "", nil)
			l := mustOpen(t, dir, 150)
			path := filepath.Join(dir, names[1])
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			r := l.Read(1)
			defer r.Close()
			var err error
			for err == nil {
				_, _, err = r.Next()
			}
			if !strings.Contains(err.Error(), path) || (asCorrupt(err) == nil) != errors.Is(err, os.ErrNotExist) {
				t.Fatalf("got %v", err)
			}
			if c := asCorrupt(err); what == "foreign" && c.Offset != 0 {
				t.Fatalf("another header was not noticed: %v", err)
			}
			if _, _, again := r.Next(); again != err {
				t.Fatalf("then got %v", again)
			}
			mustAppend(t, l, 1)
			mustEnd(t, l, l.segments[2].head.first, last+1)
		})
	}
}

func le32(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

func headerSum(t *testing.T, segment []byte) uint32 {
	t.Helper()
	h, err := decodeFileHeader(segment, crc32.MakeTable(crc32.Castagnoli))
	if err != nil {
		t.Fatal(err)
	}
	return h.sum
}

func mustParse(t *testing.T, name string) uint64 {
	t.Helper()
	first, ok := parseSegmentName(name)
	if !ok {
		t.Fatalf("%s is no segment name", name)
	}
	return first
}

// begun is a segment without records that claims to follow the one at 1.
func begun(first uint64, prevBytes int64, table *crc32.Table) []byte {
	return fileHeader{first: first, prevFirst: 1, prevBytes: prevBytes}.encode(table)
}

// frameHead is a frame header with a good checksum for any magic and length.
func frameHead(magic, length uint32, pos uint64, chain uint32, table *crc32.Table) []byte {
	b, _ := appendFrame(nil, pos, nil, chain, table)
	copy(b, le32(magic))
	copy(b[4:], le32(length))
	copy(b[16:], le32(crc32.Update(chain, table, b[:16])))
	return b[:frameHeaderBytes]
}
