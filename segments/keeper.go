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
		}
	}
}

func (a *App) tidy() {
	a.snapshotIfDue()
	a.compactIfDue()
}

// compactIfDue has the store give deleted bytes back when the index takes more than twice what it holds. It takes at
// most half of what is free beside the reserve. It looks at most once a minute, once a second while the index takes a quarter of what is
// free, after which there would soon be no room for it, and more seldom while it is of no use: what
// was deleted last is given back only once the deletion itself has come into a table.
func (a *App) compactIfDue() {
	const scarcely, often, seldom = time.Second, time.Minute, time.Hour
	before := a.store.Bytes()
	again := a.lookAgain
	if a.disk.room(4*before) != nil {
		again = min(again, scarcely)
	}
	if time.Since(a.lookedAt) < again {
		return
	}
	a.lookedAt, a.lookAgain = time.Now(), max(a.lookAgain, often)
	live, err := a.index.StoredBytes()
	if err != nil {
		a.logger.Error("the size of what the index holds is not known, so that it is not compacted", "cause", err)
		return
	}
	if before < 2*(live+a.options.CheckpointBytes) || a.disk.half(before) != nil {
		return
	}
	if err := a.store.Compact(); err != nil {
		a.logger.Error("the index could not be compacted", "cause", err)
		return
	}
	after := a.store.Bytes()
	if after < before/4*3 {
		a.lookAgain = often
	} else {
		a.lookAgain = min(2*a.lookAgain, seldom)
	}
	a.logger.Info("the index was compacted", "bytes before", before, "bytes after", after, "bytes held", live)
}
