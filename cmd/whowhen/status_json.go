package main

import whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"

type statusJSON struct {
	App                string           `json:"app"`
	Zone               string           `json:"zone"`
	Version            string           `json:"version"`
	StartedAt          *string          `json:"started_at"`
	Writable           bool             `json:"writable"`
	WhyReadOnly        string           `json:"why_read_only"`
	DurablePosition    uint64           `json:"durable_position"`
	VisiblePosition    uint64           `json:"visible_position"`
	CheckpointPosition uint64           `json:"checkpoint_position"`
	CIDs               uint64           `json:"cids"`
	Tags               []fieldStatus    `json:"tags"`
	Attributes         []attributeState `json:"attributes"`
	Events             []eventStatus    `json:"events"`
	LogBytes           uint64           `json:"log_bytes"`
	IndexBytes         uint64           `json:"index_bytes"`
	CacheBytes         uint64           `json:"cache_bytes"`
	CacheBudgetBytes   uint64           `json:"cache_budget_bytes"`
	CacheHits          uint64           `json:"cache_hits"`
	CacheMisses        uint64           `json:"cache_misses"`
	DirtyBytes         uint64           `json:"dirty_bytes"`
	Recovery           string           `json:"recovery"`
	Retentions         []retentionJSON  `json:"retentions"`
	WhyNoSnapshot      string           `json:"why_no_snapshot"`
	Goroutines         uint64           `json:"goroutines"`
	MemoryBytes        uint64           `json:"memory_bytes"`
	Models             []any            `json:"models"`
}

type fieldStatus struct {
	Name string `json:"name"`
	CIDs uint64 `json:"cids"`
}

type attributeState struct {
	fieldStatus
	Type string `json:"type"`
}

type eventStatus struct {
	Name       string   `json:"name"`
	Count      uint64   `json:"count"`
	FirstDay   string   `json:"first_day"`
	LastDay    string   `json:"last_day"`
	Properties []string `json:"properties"`
}

func newStatusJSON(s *whowhenv1.StatusResponse) statusJSON {
	out := statusJSON{
		App: s.App, Zone: s.Zone, Version: s.Version, StartedAt: optionalStamp(s.StartedAt),
		Writable: s.Writable, WhyReadOnly: s.WhyReadOnly,
		DurablePosition: s.DurablePosition, VisiblePosition: s.VisiblePosition, CheckpointPosition: s.CheckpointPosition,
		CIDs: s.Cids, Tags: []fieldStatus{}, Attributes: []attributeState{}, Events: []eventStatus{},
		LogBytes: s.LogBytes, IndexBytes: s.IndexBytes, CacheBytes: s.CacheBytes, CacheBudgetBytes: s.CacheBudgetBytes, CacheHits: s.CacheHits, CacheMisses: s.CacheMisses,
		DirtyBytes: s.DirtyBytes, Recovery: s.Recovery, Retentions: []retentionJSON{}, WhyNoSnapshot: s.WhyNoSnapshot,
		Goroutines: s.Goroutines, MemoryBytes: s.MemoryBytes, Models: []any{},
	}
	for _, r := range s.Retentions {
		out.Retentions = append(out.Retentions, newRetentionJSON(r))
	}
	for _, t := range s.Tags {
		out.Tags = append(out.Tags, fieldStatus{t.Name, t.Cids})
	}
	for _, a := range s.Attributes {
		out.Attributes = append(out.Attributes, attributeState{fieldStatus{a.Name, a.Cids}, a.Type})
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, eventStatus{e.Name, e.Count, e.FirstDay, e.LastDay, append([]string{}, e.Properties...)})
	}
	for _, m := range s.Models {
		out.Models = append(out.Models, messageValue(m.ProtoReflect()))
	}
	return out
}
