package segments

import (
	"slices"

	"whowhen.dev/whowhen/segments/internal/civil"
)

// Status says what the app holds and how it is.
func (a *App) Status() (Status, error) {
	version, release := a.index.Pin()
	defer release()
	used, budget := a.hot.Usage()
	hits, misses := a.index.CacheUse()
	s := Status{
		App: a.name, Zone: a.zone.String(), Writable: true, StartedAt: a.started, Recovery: a.recovery,
		DurablePosition: a.wal.Last(), VisiblePosition: version.Position, CheckpointPosition: a.saved.Load(),
		CIDs: uint64(version.CIDs), LogBytes: uint64(a.wal.Bytes()), IndexBytes: uint64(a.store.Bytes()),
		Retentions: a.Retentions(), CacheBytes: uint64(used), CacheBudgetBytes: uint64(budget), CacheHits: hits, CacheMisses: misses,
		DirtyBytes: uint64(max(0, a.index.DirtyBytes())),
	}
	if err := a.whyBroken(); err != nil {
		s.Writable, s.WhyReadOnly = false, err.Error()
	}
	if err := a.whyNoSnapshot(); err != nil {
		s.WhyNoSnapshot = err.Error()
	}
	schema, today := a.index.Schema, a.today()
	for id, name := range schema.Tags() {
		s.Tags = append(s.Tags, FieldStatus{Name: name, CIDs: version.TagCount(uint32(id))})
	}
	for id, name := range schema.Attributes() {
		_, kind, _, _ := schema.Attribute(name)
		s.Attributes = append(s.Attributes, FieldStatus{Name: name, CIDs: version.AttributeCount(uint32(id)), Type: kind.String()})
	}
	for id, name := range schema.Events() {
		e := EventStatus{Name: name, Properties: schema.Properties(uint32(id))}
		count, first, last := version.EventCount(uint32(id), version.KeptFrom(name, today))
		if e.Count = count; count > 0 {
			e.FirstDay, e.LastDay = civil.Format(first), civil.Format(last)
		}
		s.Events = append(s.Events, e)
	}
	s.Scores = slices.DeleteFunc(scoresOf(version), func(s ScoreStatus) bool { return hidden(s.Name) })
	return s, nil
}
