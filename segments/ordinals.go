package segments

import (
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/dict"
)

// NoOrdinal stands for a CID that the app does not know.
const NoOrdinal = dict.Nobody

// Ordinals returns the ordinal of each CID, NoOrdinal for one that the app does not know. Who has one may have been first heard of after the
// view's moment.
func (v *View) Ordinals(cids []string) []uint32 {
	ordinals := make([]uint32, len(cids))
	v.env.CIDs.FindAll(&batch.CIDs{Strings: cids}, ordinals)
	for i, o := range ordinals {
		if int64(o) >= int64(v.CIDs()) {
			ordinals[i] = NoOrdinal // came after the view's position
		}
	}
	return ordinals
}

// ReadCIDs makes to the CIDs with these ordinals, all packed or all strings. No view is needed: an ordinal means the same CID for good.
func (a *App) ReadCIDs(to *batch.CIDs, ordinals []uint32) { a.index.CIDs.Read(to, ordinals) }
