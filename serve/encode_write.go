package serve

import (
	"cmp"
	"slices"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

func encodeWrite(r segments.WriteResult) *whowhenv1.WriteResponse {
	response := &whowhenv1.WriteResponse{Position: r.Position, Accepted: uint64(r.Accepted), RepeatedBatch: r.Repeated}
	for _, reject := range slices.SortedStableFunc(slices.Values(r.Rejects), func(a, b batch.Reject) int { return cmp.Compare(a.Index, b.Index) }) {
		response.Rejects = append(response.Rejects, &whowhenv1.Reject{
			Index: uint32(reject.Index), Field: reject.Field, Reason: reject.Reason, Message: reject.Message,
		})
	}
	return response
}

func encodeLoad(l segments.LoadState) *whowhenv1.GetLoadResponse {
	return &whowhenv1.GetLoadResponse{
		NextRow: l.NextRow, Finished: l.Finished, Accepted: l.Accepted,
		RejectedRows: l.Rejected, SkippedRows: l.Skipped, Position: l.Position,
	}
}
