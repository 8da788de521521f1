package segments

import "time"

// keep makes snapshots of what is saved, and has the store give disk back, beside everything else. Nothing that
// fails in it does harm to what is kept.
func (a *App) keep() {
	for {
		select {
		case <-a.stop:
			return
		case <-a.wasSaved:
			a.tidy()
		case done := <-a.snapshotAsked:
			done <- a.snapshotNow()
		}
	}
}

func (a *App) tidy() {
	a.snapshotIfDue()
	a.compactIfDue()
}

// compactIfDue has the store give deleted bytes back when the index takes more than twice what it holds and a little. It looks at most
// once a minute, once a second while the index takes a quarter of what is free, after which there would soon be no room for it, and more
// seldom while it is of no use.
func (a *App) compactIfDue() {
	const scarcely, often, seldom = time.Second, time.Minute, time.Hour
	again := a.lookAgain
	if a.disk.room(4*a.store.Bytes()) != nil {
		again = min(again, scarcely)
	}
	if time.Since(a.lookedAt) < again {
		return
	}
	a.lookedAt = time.Now()
	switch a.compact(a.disk.half) {
	case compacted:
		a.lookAgain = often
	case nothingToCompact:
		a.lookAgain = max(a.lookAgain, often)
	case compactedInVain:
		a.lookAgain = min(2*max(a.lookAgain, often), seldom)
	}
}

// makeRoom has the store give deleted bytes back although there is no room left beside the reserve, half of which the merging may take.
// It says whether it was of use.
func (a *App) makeRoom() bool {
	return a.compact(func(bytes int64) error { return a.disk.free(uint64(bytes) + reserveBytes/2) }) == compacted
}

// compaction says what came of one.
type compaction int

const (
	nothingToCompact compaction = iota
	compactedInVain
	compacted
)

// compact merges the tables of the index if it takes more than twice what it holds and a little, and if there is room for
// what the merging writes before it removes: not more than what is live, twice.
func (a *App) compact(room func(bytes int64) error) compaction {
	const littleBytes = 1 << 20
	live, err := a.index.StoredBytes()
	if err != nil {
		a.logger.Error("the size of what the index holds is not known, so that it is not compacted", "cause", err)
		return nothingToCompact
	}
	before := a.store.Bytes()
	if before < 2*live+littleBytes || room(2*live) != nil {
		return nothingToCompact
	}
	if err := a.store.Compact(); err != nil {
		a.logger.Error("the index could not be compacted", "cause", err)
		return compactedInVain
	}
	after := a.store.Bytes()
	a.logger.Info("the index was compacted", "bytes before", before, "bytes after", after, "bytes held", live)
	if after < before/4*3 {
		return compacted
	}
	return compactedInVain
}
