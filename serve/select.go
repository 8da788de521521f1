package serve

import (
	"encoding/hex"
	"fmt"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
)

// messageBytes is how large the messages of a stream of CIDs grow. Larger ones are no
// faster; smaller ones cost more for each CID.
const messageBytes = 256 << 10

// cidSender gathers CIDs into messages. It is for one goroutine.
type cidSender struct {
	packed bool
	send   func(*whowhenv1.SelectResponse) error

	message whowhenv1.SelectResponse
	bytes   int // of the message, about
}

// add takes CIDs, which the caller may change afterwards.
func (s *cidSender) add(cids *batch.CIDs) error {
	switch {
	case s.packed && len(cids.Strings) > 0:
		return s.addStringsPacked(cids.Strings)
	case s.packed:
		return s.addPacked(cids.Packed)
	case len(cids.Strings) > 0:
		return s.addStrings(cids.Strings)
	}
	// One string for all, cut into pieces, is one allocation.
	text := hex.EncodeToString(cids.Packed)
	for ; text != ""; text = text[2*batch.PackedBytes:] {
		if err := s.addString(text[:2*batch.PackedBytes]); err != nil {
			return err
		}
	}
	return nil
}

func (s *cidSender) addStrings(cids []string) error {
	for _, cid := range cids {
		if err := s.addString(cid); err != nil {
			return err
		}
	}
	return nil
}

func (s *cidSender) addString(cid string) error {
	if err := s.room(len(cid) + 2); err != nil { // 2 for field number and length
		return err
	}
	s.message.Cids = append(s.message.Cids, cid)
	return nil
}

func (s *cidSender) addPacked(packed []byte) error {
	for len(packed) > 0 {
		if err := s.room(0); err != nil {
			return err
		}
		n := min(len(packed), messageBytes-s.bytes)
		s.message.PackedCids = append(s.message.PackedCids, packed[:n]...)
		s.bytes, packed = s.bytes+n, packed[n:]
	}
	return nil
}

func (s *cidSender) addStringsPacked(cids []string) error {
	var packed [batch.PackedBytes]byte
	for _, cid := range cids {
		if !batch.Pack(&packed, cid) {
			return errNotPackable(cid)
		}
		if err := s.addPacked(packed[:]); err != nil {
			return err
		}
	}
	return nil
}

// room sends the message first when it is full or n more bytes would make it too large.
func (s *cidSender) room(n int) error {
	if s.bytes >= messageBytes || s.bytes+n > messageBytes {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.bytes += n
	return nil
}

// flush sends what is gathered, if anything.
func (s *cidSender) flush() error {
	if s.bytes == 0 {
		return nil
	}
	err := s.send(&s.message)
	clear(s.message.Cids) // so as not to hold on to them
	s.message.Cids, s.message.PackedCids, s.bytes = s.message.Cids[:0], s.message.PackedCids[:0], 0
	return err
}

func errNotPackable(cid string) error {
	return &segments.Error{Reason: reasonCIDNotPackable, Field: "packed", Message: fmt.Sprintf(
		"the CID %.140q is not 32 lower-case hexadecimal digits, so it cannot be sent as 16 bytes; ask without packed", cid)}
}
