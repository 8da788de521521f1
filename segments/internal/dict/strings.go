package dict

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// ChunkStrings is how many strings are saved together.
const ChunkStrings = 4096

// Strings is the dictionary of one field's strings. One goroutine at a time may call Add; all other
// methods may be called concurrently with it and with each other.
type Strings struct {
	mu    sync.RWMutex
	codes map[string]uint32
	list  []string
	bytes int
}

// NewStrings returns an empty dictionary.
func NewStrings() *Strings { return &Strings{codes: map[string]uint32{}} }

// Add returns the code of a string, numbering it if it is new.
func (d *Strings) Add(s string) uint32 {
	// Nobody else writes, so looking needs no lock.
	if code, found := d.codes[s]; found {
		return code
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.add(s)
}

func (d *Strings) add(s string) uint32 {
	code := uint32(len(d.list))
	d.codes[s] = code
	d.list = append(d.list, s)
	d.bytes += len(s)
	return code
}

// Find returns the code of a string and whether it has one.
func (d *Strings) Find(s string) (code uint32, found bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	code, found = d.codes[s]
	return code, found
}

// All returns the strings by code, as of now. The caller must not change them.
func (d *Strings) All() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.list[:len(d.list):len(d.list)]
}

// MemoryBytes returns about how much memory the dictionary takes.
func (d *Strings) MemoryBytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.bytes + 60*len(d.list)
}

// AppendStrings appends the encoding of a list of strings.
func AppendStrings(buf []byte, list []string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(list)))
	for _, s := range list {
		buf = binary.AppendUvarint(buf, uint64(len(s)))
		buf = append(buf, s...)
	}
	return buf
}

// DecodeStrings reads what AppendStrings wrote.
func DecodeStrings(data []byte) ([]string, error) {
	damaged := fmt.Errorf("dict: damaged list of strings")
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)) {
		return nil, damaged
	}
	data = data[size:]
	list := make([]string, n)
	for i := range list {
		length, size := binary.Uvarint(data)
		if size <= 0 || length > uint64(len(data)-size) {
			return nil, damaged
		}
		data = data[size:]
		list[i], data = string(data[:length]), data[length:]
	}
	if len(data) > 0 {
		return nil, damaged
	}
	return list, nil
}

// LoadStrings adds the strings that AppendStrings wrote, in their order. It may be called only before
// the dictionary is shared.
func (d *Strings) LoadStrings(data []byte) error {
	list, err := DecodeStrings(data)
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, found := d.codes[s]; found {
			return fmt.Errorf("dict: %.40q has two codes", s)
		}
		d.add(s)
	}
	return nil
}
