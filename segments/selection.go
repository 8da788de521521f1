package segments

import (
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/dict"
	"whowhen.dev/whowhen/segments/internal/eval"
)

// Selection is the answer to an expression: a set of CIDs. It takes a bit at most for each CID of the app, and holds
// on to nothing else, so that it may be read as slowly as need be. It is safe for concurrent use.
type Selection struct {
	who  *eval.Selection
	cids *dict.CIDs
}

// Count returns the number of CIDs.
func (s *Selection) Count() uint64 { return s.who.Count() }

// Each calls yield with the CIDs, some thousands at a time, and returns its first error. Those of one call are
// all packed or all strings, and are good until yield returns.
func (s *Selection) Each(yield func(cids *batch.CIDs) error) error {
	var cids batch.CIDs
	return s.who.Each(func(ordinals []uint32) error {
		s.cids.Read(&cids, ordinals)
		return yield(&cids)
	})
}
