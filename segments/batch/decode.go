package batch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"whowhen.dev/whowhen/segments/value"
)

var errShort = errors.New("ends too early")

// Decode reads what AppendTo wrote. Bytes that AppendTo cannot have written give an
// error, never a panic, and cost memory for 256 columns of MaxRecords rows at most beyond their length. The batch
// shares no memory with the bytes.
func Decode(data []byte) (*Batch, error) {
	d := decoder{rest: data}
	format := d.byte()
	if d.err == nil && (format < formatRecords || format > formatScores) {
		return nil, fmt.Errorf("batch: format %d is not known; a newer whowhen wrote it", format)
	}
	b := &Batch{ReceivedMillis: d.int(), ID: d.string()}
	if b.ID != "" {
		copy(b.Content[:], d.bytes(len(b.Content)))
	}
	if d.bool() {
		b.Load = &Load{ID: d.string(), FirstRow: d.uint(), Rows: d.uint(), Rejected: d.uint(), Skipped: d.uint(), Last: d.bool()}
	}
	for range d.count(1) {
		e := Events{Name: d.string(), CIDs: d.cids()}
		rows := e.CIDs.Len()
		e.TimesMillis = d.deltas(rows)
		if n := d.optional(rows); n > 0 {
			e.Offsets = make([]int16, n)
			for i := range e.Offsets {
				o := d.int()
				if o != int64(int16(o)) {
					d.fail("offset %d", o)
				}
				e.Offsets[i] = int16(o)
			}
		}
		if n := d.optional(rows); n > 0 {
			e.IDs = make([]string, n)
			for i := range e.IDs {
				e.IDs[i] = d.string()
			}
		}
		e.Props = d.columns(rows)
		if len(e.TimesMillis) != rows {
			d.fail("%d events with %d times", rows, len(e.TimesMillis))
		}
		if d.err != nil {
			break
		}
		b.Events = append(b.Events, e)
	}
	for range d.count(1) {
		t := Tags{Name: d.string(), CIDs: d.cids()}
		rows := t.CIDs.Len()
		for _, r := range d.bytes(rows) {
			t.Remove = append(t.Remove, r != 0)
		}
		t.ExpiresMillis, t.TimesMillis = d.deltas(rows), d.deltas(rows)
		if d.err != nil {
			break
		}
		b.Tags = append(b.Tags, t)
	}
	for range d.count(1) {
		p := Profiles{CIDs: d.cids()}
		rows := p.CIDs.Len()
		p.TimesMillis = d.deltas(rows)
		p.Set = d.columns(rows)
		if d.err != nil {
			break
		}
		b.Profiles = append(b.Profiles, p)
	}
	if format >= formatRetentions {
		for range d.count(1) {
			r := Retention{Tag: d.bool(), Name: d.string()}
			days := d.uint()
			if days > MaxKeepDays {
				d.fail("%d days to keep", days)
			}
			if d.err != nil {
				break
			}
			r.KeepDays = int32(days)
			b.Retentions = append(b.Retentions, r)
		}
	}
	if format == formatScores {
		d.scores(b)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes too many", len(d.rest))
	}
	if d.err != nil {
		return nil, fmt.Errorf("batch: byte %d of %d: %w", len(data)-len(d.rest), len(data), d.err)
	}
	return b, nil
}

// decoder reads with one error for all: after the first, every read returns zero values.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *decoder) bytes(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.rest) {
		if d.err == nil {
			d.err = errShort
		}
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if d.err != nil || size <= 0 {
		d.fail("bad number")
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if d.err != nil || size <= 0 {
		d.fail("bad number")
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count reads how many items of at least itemBytes follow.
func (d *decoder) count(itemBytes int) int {
	n := d.uint()
	if n > uint64(len(d.rest)/itemBytes) {
		d.fail("%d items cannot follow", n)
		return 0
	}
	return int(n)
}

func (d *decoder) string() string { return string(d.bytes(d.count(1))) }

// optional reads the length of a column that is either empty or full.
func (d *decoder) optional(rows int) int {
	n := d.count(1)
	if n != 0 && n != rows {
		d.fail("a column of %d for %d rows", n, rows)
		return 0
	}
	return n
}

func (d *decoder) deltas(rows int) []int64 {
	n := d.optional(rows)
	if n == 0 {
		return nil
	}
	column := make([]int64, n)
	last := int64(0)
	for i := range column {
		last += d.int()
		column[i] = last
	}
	return column
}

func (d *decoder) cids() CIDs {
	n := d.count(1)
	if n > MaxRecords {
		d.fail("%d records", n)
		return CIDs{}
	}
	if !d.bool() {
		if n > len(d.rest)/PackedBytes {
			d.fail("%d packed CIDs cannot follow", n)
			return CIDs{}
		}
		return CIDs{Packed: append([]byte(nil), d.bytes(n*PackedBytes)...)}
	}
	strings := make([]string, n)
	for i := range strings {
		strings[i] = d.string()
	}
	return CIDs{Strings: strings}
}

func (d *decoder) columns(rows int) []Column {
	n := d.count(2)
	if n > MaxColumns {
		d.fail("%d columns", n)
		return nil
	}
	var columns []Column
	for range n {
		c := Column{Name: d.string()}
		c.Kinds = d.kinds(rows)
		if d.err != nil {
			return nil
		}
		scaled := d.bool()
		c.Data = make([]int64, rows)
		if scaled {
			c.Scales = make([]uint8, rows)
		}
		for row, k := range c.Kinds {
			if k == value.Absent || k == Unset {
				continue
			}
			c.Data[row] = d.int()
			if scaled && k == value.Number {
				if c.Scales[row] = d.byte(); c.Scales[row] > value.MaxScale {
					d.fail("scale %d", c.Scales[row])
				}
			}
		}
		c.Strings = make([]string, d.count(1))
		for i := range c.Strings {
			c.Strings[i] = d.string()
		}
		c.Lists = make([][]string, d.count(1))
		for i := range c.Lists {
			c.Lists[i] = make([]string, d.count(1))
			for j := range c.Lists[i] {
				c.Lists[i][j] = d.string()
			}
		}
		for row, k := range c.Kinds {
			if k == value.String && uint64(c.Data[row]) >= uint64(len(c.Strings)) || k == value.List && uint64(c.Data[row]) >= uint64(len(c.Lists)) {
				d.fail("code %d is not in the dictionary", c.Data[row])
				return nil
			}
		}
		columns = append(columns, c)
	}
	return columns
}

func (d *decoder) kinds(rows int) []value.Kind {
	kinds := make([]value.Kind, 0, rows)
	for len(kinds) < rows {
		k, run := value.Kind(d.byte()), d.uint()
		if d.err != nil {
			return nil
		}
		if run == 0 || run > uint64(rows-len(kinds)) || k > value.List && k != Unset {
			d.fail("%d rows of kind %d", run, k)
			return nil
		}
		for range run {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
