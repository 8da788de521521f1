package serve

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// maxIDBytes bounds the ids that callers give to batches and loads.
const maxIDBytes = 128

func decodeWrite(m *whowhenv1.WriteRequest) (segments.WriteRequest, error) {
	request := segments.WriteRequest{BatchID: m.GetBatchId(), ValidateOnly: m.GetValidateOnly()}
	if rows := countRows(m); rows > batch.MaxRecords {
		return request, &segments.Error{Reason: reasonTooManyRecords, Message: fmt.Sprintf(
			"%d records and column rows in one request; at most %d are taken, send the others in another one", rows, batch.MaxRecords)}
	}
	if m.GetBatchId() != "" {
		if err := checkID("batch_id", m.GetBatchId()); err != nil {
			return request, err
		}
		content, err := contentHash(m)
		if err != nil {
			return request, err
		}
		request.Content = content
	}
	load, err := decodeLoadRows(m)
	request.Load = load
	// Called again for a retry, so it may not use up the message.
	request.Build = func(b *batch.Builder) error { return buildBatch(b, m) }
	return request, err
}

func countRows(m *whowhenv1.WriteRequest) int {
	rows := len(m.GetRecords())
	for _, c := range m.GetEventColumns() {
		rows += countCIDs(c.GetCids())
	}
	for _, c := range m.GetTagColumns() {
		rows += countCIDs(c.GetCids())
	}
	for _, c := range m.GetProfileColumns() {
		rows += countCIDs(c.GetCids())
	}
	return rows
}

func countCIDs(c *whowhenv1.CidColumn) int {
	if n := len(c.GetStrings()); n > 0 {
		return n
	}
	return len(c.GetPacked()) / batch.PackedBytes
}

// contentHash tells a retry from another batch under the same id: it covers what
// would be written, and nothing about how.
func contentHash(m *whowhenv1.WriteRequest) ([sha256.Size]byte, error) {
	content := &whowhenv1.WriteRequest{
		Records: m.GetRecords(), EventColumns: m.GetEventColumns(), TagColumns: m.GetTagColumns(), ProfileColumns: m.GetProfileColumns(),
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("encoding the request for its hash: %w", err)
	}
	return sha256.Sum256(data), nil
}

func decodeLoadRows(m *whowhenv1.WriteRequest) (*batch.Load, error) {
	l := m.GetLoad()
	if l == nil {
		return nil, nil
	}
	if m.GetBatchId() != "" {
		return nil, invalid("load", "batch_id and load are both set; rows of a load need no batch_id")
	}
	if err := checkID("load.load_id", l.GetLoadId()); err != nil {
		return nil, err
	}
	if l.GetRows() > math.MaxUint64-l.GetFirstRow() {
		return nil, invalid("load.rows", "%d rows from row %d on are more than can be counted", l.GetRows(), l.GetFirstRow())
	}
	if l.GetRejectedRows() > l.GetRows() || l.GetSkippedRows() > l.GetRows()-l.GetRejectedRows() {
		return nil, invalid("load.rows", "%d rows were rejected and %d left out, of %d in all", l.GetRejectedRows(), l.GetSkippedRows(), l.GetRows())
	}
	return &batch.Load{
		ID: l.GetLoadId(), FirstRow: l.GetFirstRow(), Rows: l.GetRows(),
		Rejected: l.GetRejectedRows(), Skipped: l.GetSkippedRows(), Last: l.GetLast(),
	}, nil
}

func checkID(field, id string) error {
	switch {
	case id == "":
		return invalid(field, "%s is empty", field)
	case len(id) > maxIDBytes:
		return invalid(field, "%s has %d bytes; at most %d are taken", field, len(id), maxIDBytes)
	case strings.ContainsFunc(id, unicode.IsControl):
		return invalid(field, "%s %.40q holds a control character", field, id)
	}
	return nil
}

// buildBatch gives all records of the request to the builder, numbered from 0 in the order
// in which the API counts them.
func buildBatch(b *batch.Builder, m *whowhenv1.WriteRequest) error {
	for i, r := range m.GetRecords() {
		addRecord(b, i, r)
	}
	next := len(m.GetRecords())
	for i, c := range m.GetEventColumns() {
		if err := addEventColumns(b, next, fmt.Sprintf("event_columns[%d]", i), c); err != nil {
			return err
		}
		next += countCIDs(c.GetCids())
	}
	for i, c := range m.GetTagColumns() {
		if err := addTagColumns(b, next, fmt.Sprintf("tag_columns[%d]", i), c); err != nil {
			return err
		}
		next += countCIDs(c.GetCids())
	}
	for i, c := range m.GetProfileColumns() {
		if err := addProfileColumns(b, next, fmt.Sprintf("profile_columns[%d]", i), c); err != nil {
			return err
		}
		next += countCIDs(c.GetCids())
	}
	return nil
}
