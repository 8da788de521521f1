package serve

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments/batch"
)

// collect sends chunks and returns the messages that came of them.
func collect(packed bool, chunks ...*batch.CIDs) (messages []*whowhenv1.SelectResponse, err error) {
	s := cidSender{packed: packed, send: func(m *whowhenv1.SelectResponse) error {
		messages = append(messages, proto.CloneOf(m))
		return nil
	}}
	for _, c := range chunks {
		if err := s.add(c); err != nil {
			return messages, err
		}
	}
	return messages, s.flush()
}

func TestSenderSendsEachCIDOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var chunks []*batch.CIDs
		for range rapid.IntRange(0, 6).Draw(t, "chunks") {
			n := rapid.SampledFrom([]int{1, 7, 100, 8192}).Draw(t, "rows")
			chunk := &batch.CIDs{}
			asText := rapid.Bool().Draw(t, "strings")
			for range n {
				cid := fmt.Sprintf("%032x", len(want))
				if asText {
					chunk.Strings = append(chunk.Strings, cid)
				} else {
					raw, _ := hex.DecodeString(cid)
					chunk.Packed = append(chunk.Packed, raw...)
				}
				want = append(want, cid)
			}
			chunks = append(chunks, chunk)
		}
		packed := rapid.Bool().Draw(t, "packed")
		messages, err := collect(packed, chunks...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, m := range messages {
			if size := proto.Size(m); size > messageBytes+64 || size == 0 {
				t.Fatalf("message %d has %d bytes", i, size)
			}
			if packed == (len(m.Cids) > 0) {
				t.Fatalf("packed %v, and message %d has %d strings", packed, i, len(m.Cids))
			}
			got = append(got, m.Cids...)
			all := batch.CIDs{Packed: m.PackedCids}
			for row := range all.Len() {
				got = append(got, all.At(row))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d CIDs came of %d", len(got), len(want))
		}
	})
}

func TestSenderFillsMessages(t *testing.T) {
	chunk := &batch.CIDs{Packed: make([]byte, 16*8192)}
	messages, err := collect(true, chunk, chunk, chunk, chunk, chunk)
	if err != nil || len(messages) != 3 || len(messages[0].PackedCids) != messageBytes {
		t.Errorf("%d messages, %v", len(messages), err)
	}
}

func TestSenderRefusesWhatCannotBePacked(t *testing.T) {
	for _, cid := range []string{"anna", strings.Repeat("A", 32), strings.Repeat("x", 32)} {
		_, err := collect(true, &batch.CIDs{Strings: []string{strings.Repeat("a", 32), cid}})
		code, info := infoOf(t, (&Server{}).toConnect(t.Context(), "/test", err))
		if code.String() != "failed_precondition" || info.Reason != "CID_NOT_PACKABLE" {
			t.Errorf("%s: %v %v", cid, code, info)
		}
	}
}

func TestSenderStopsWhenSendFails(t *testing.T) {
	gone := errors.New("gone")
	sent := 0
	s := cidSender{packed: true, send: func(*whowhenv1.SelectResponse) error { sent++; return gone }}
	err := s.add(&batch.CIDs{Packed: make([]byte, 4*messageBytes)})
	if !errors.Is(err, gone) || sent != 1 {
		t.Errorf("%d sent, %v", sent, err)
	}
}
