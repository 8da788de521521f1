package serve

import (
	"cmp"
	"slices"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// maxRejectTextBytes bounds what the rejects of one answer say beyond index and reason. It is above
// what the rejects of a batch of usual size come to.
const maxRejectTextBytes = 4 << 20

func encodeWrite(r segments.WriteResult) *whowhenv1.WriteResponse {
	response := &whowhenv1.WriteResponse{Position: r.Position, Accepted: uint64(r.Accepted), RepeatedBatch: r.Repeated}
	if !slices.IsSortedFunc(r.Rejects, byIndex) {
		slices.SortStableFunc(r.Rejects, byIndex)
	}
	textBytes := 0
	all := make([]whowhenv1.Reject, len(r.Rejects))
	response.Rejects = make([]*whowhenv1.Reject, len(all))
	for i := range r.Rejects {
		from, to := &r.Rejects[i], &all[i]
		to.Index, to.Reason = uint32(from.Index), from.Reason
		if textBytes += len(from.Field) + len(from.Message); textBytes <= maxRejectTextBytes {
			to.Field, to.Message = from.Field, from.Message
		}
		response.Rejects[i] = to
	}
	return response
}

func byIndex(a, b batch.Reject) int { return cmp.Compare(a.Index, b.Index) }

func encodeLoad(l segments.LoadState) *whowhenv1.GetLoadResponse {
	return &whowhenv1.GetLoadResponse{
		NextRow: l.NextRow, Finished: l.Finished, Accepted: l.Accepted,
		RejectedRows: l.Rejected, SkippedRows: l.Skipped, Position: l.Position,
	}
}
