package index

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/value"
)

// formatVersion is what manifests of this form say. An index of another version is rebuilt from the log.
const formatVersion = 2

// manifest is the one small record that makes a generation the index. Whatever it leads to
// must be there.
type manifest struct {
	Format     int    `json:"format"`
	Generation uint64 `json:"generation"`
	Position   uint64 `json:"position"`
	CIDs       int    `json:"cids"`
	State      string `json:"state_sha256"`
}

// state lists all that belongs to a generation. The names of fields are in their order, so
// that their numbers follow.
type state struct {
	Tags       []string         `json:"tags"`
	Attributes []attributeState `json:"attributes"`
	Events     []eventState     `json:"events"`
	CIDs       []cidsPiece      `json:"cids"`
	Shards     []shardState     `json:"shards"`
	Loads      map[string]Load  `json:"loads"`
	BatchIDs   []batchRun       `json:"batch_ids,omitempty"`
	Retention  *retention       `json:"retention,omitempty"`
	Swept      int64            `json:"swept_millis,omitempty"`
	Scores     []*Score         `json:"scores,omitempty"`
}

type attributeState struct {
	Name   string      `json:"name"`
	Kind   value.Kind  `json:"kind"`
	Since  uint64      `json:"since"` // position of the batch that first set it
	Values valuesState `json:"values"`
}

type eventState struct {
	Name  string          `json:"name"`
	Props []propertyState `json:"props"`
}

type propertyState struct {
	Name   string      `json:"name"`
	Values valuesState `json:"values"`
}

// valuesState says which generations saved the chunks of a dictionary, and how many
// strings there are.
type valuesState struct {
	Strings []uint64 `json:"strings,omitempty"`
	Lists   []uint64 `json:"lists,omitempty"`
	Counts  [2]int   `json:"counts"`
}

type shardState struct {
	Generation uint64 `json:"generation"`
	Catalog    string `json:"catalog_sha256"`
}

// Load is what is known of a bulk load.
type Load struct {
	NextRow  uint64 `json:"next_row"`
	Finished bool   `json:"finished"`
	Accepted uint64 `json:"accepted"`
	Rejected uint64 `json:"rejected"`
	Skipped  uint64 `json:"skipped"`
	Position uint64 `json:"position"`
}

func storeKey(prefix byte, generation uint64, numbers ...uint32) []byte {
	key := []byte{prefix}
	for _, n := range numbers {
		key = binary.BigEndian.AppendUint32(key, n)
	}
	return binary.BigEndian.AppendUint64(key, generation)
}

func stateKey(generation uint64) []byte { return storeKey('s', generation) }

func catalogKey(generation uint64, shard int) []byte { return storeKey('c', generation, uint32(shard)) }

// cidsPiece is a blob of CIDs that follow upon those of the piece before it.
type cidsPiece struct {
	Generation uint64 `json:"generation"`
	Count      int    `json:"count"`
}

func cidsKey(generation uint64, first int) []byte { return storeKey('d', generation, uint32(first)) }

// cidsKeys returns the keys of pieces.
func cidsKeys(pieces []cidsPiece) [][]byte {
	keys, first := make([][]byte, len(pieces)), 0
	for i, p := range pieces {
		keys[i] = cidsKey(p.Generation, first)
		first += p.Count
	}
	return keys
}

// dictionary names the dictionary of a field.
type dictionary struct {
	kind     uint32 // 0 attributes, 1 properties
	field    uint32 // attribute or event
	property uint32
	lists    uint32 // 0 strings, 1 lists
}

func (d dictionary) key(generation uint64, chunk int) []byte {
	return storeKey('v', generation, d.kind, d.field, d.property, d.lists, uint32(chunk))
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func encodeJSON(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return data, nil
}

// eachDictionary calls f with every dictionary of the state's fields and where the state keeps its chunks.
func (st *state) eachDictionary(s *Schema, f func(name dictionary, d *dict.Strings, chunks *[]uint64, count *int) error) error {
	values := func(name dictionary, v *Values, vs *valuesState) error {
		if err := f(name, v.Strings, &vs.Strings, &vs.Counts[0]); err != nil {
			return err
		}
		name.lists = 1
		return f(name, v.Lists, &vs.Lists, &vs.Counts[1])
	}
	for i := range st.Attributes {
		_, _, v, _ := s.Attribute(st.Attributes[i].Name)
		if err := values(dictionary{field: uint32(i)}, v, &st.Attributes[i].Values); err != nil {
			return err
		}
	}
	for i := range st.Events {
		for j := range st.Events[i].Props {
			name := dictionary{kind: 1, field: uint32(i), property: uint32(j)}
			_, v, _ := s.Property(uint32(i), st.Events[i].Props[j].Name)
			if err := values(name, v, &st.Events[i].Props[j].Values); err != nil {
				return err
			}
		}
	}
	return nil
}
