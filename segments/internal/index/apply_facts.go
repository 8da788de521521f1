package index

import (
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/bitmap"
	"whowhen.dev/whowhen/segments/value"
)

// tags makes changes of one tag; of several for one CID the last wins.
func (d *Draft) tags(t *batch.Tags, receivedMillis int64) error {
	ordinals, err := d.resolve(&t.CIDs, t.TimesMillis, receivedMillis)
	if err != nil {
		return err
	}
	tag := d.schema.addTag(t.Name)
	order := d.byOrdinal(ordinals)
	keepMillis := int64(d.retention.days(true, t.Name)) * dayMillis
	var add, remove []uint32
	var expiry []ordinalChange
	for i := 0; i < len(order); {
		shardID := uint32(order[i]>>16) / bitmap.ShardOrdinals
		add, remove, expiry = add[:0], remove[:0], expiry[:0]
		for ; i < len(order) && uint32(order[i]>>16)/bitmap.ShardOrdinals == shardID; i++ {
			ordinal := uint32(order[i] >> 16)
			if i+1 < len(order) && uint32(order[i+1]>>16) == ordinal {
				continue // a later row is about the same CID
			}
			row := int(uint16(order[i]))
			change := ordinalChange{ordinal: ordinal}
			if t.Remove[row] {
				remove = append(remove, ordinal%bitmap.ShardOrdinals)
			} else {
				if len(t.ExpiresMillis) > 0 && t.ExpiresMillis[row] != 0 {
					change.set, change.cell.Data = true, t.ExpiresMillis[row]
				}
				if latest := timeOr(t.TimesMillis, row, receivedMillis) + keepMillis; keepMillis > 0 && (!change.set || latest < change.cell.Data) {
					change.set, change.cell.Data = true, latest
				}
				if change.set && change.cell.Data <= d.sweptMillis {
					remove = append(remove, ordinal%bitmap.ShardOrdinals)
				} else {
					add = append(add, ordinal%bitmap.ShardOrdinals)
				}
			}
			expiry = append(expiry, change)
		}
		if err := d.tagShard(tag, shardID, add, remove, expiry); err != nil {
			return err
		}
	}
	return nil
}

func (d *Draft) tagShard(tag, shardID uint32, add, remove []uint32, expiry []ordinalChange) error {
	s := d.shard(shardID)
	next := &tagRows{}
	if old := at(s.tags, tag); old != nil {
		*next = *old
	}
	// An expiry that is neither there nor comes leaves its block alone.
	needed := expiry[:0]
	for _, c := range expiry {
		if c.set || next.expiry[c.ordinal%bitmap.ShardOrdinals>>16] != nil {
			needed = append(needed, c)
		}
	}
	if err := d.applyColumn(needed, func(*shard) *blocks { return &next.expiry }, fragKey{kind: kindExpiry, field: tag}); err != nil {
		return err
	}
	row, err := d.applyRow(next.row, add, remove, fragKey{shard: shardID, kind: kindTag, field: tag})
	if err != nil {
		return err
	}
	next.row = row
	if row == nil && next.expiry == (blocks{}) {
		next = nil
	}
	s.tags = put(s.tags, tag, next)
	return nil
}

// profiles sets and unsets attributes; of several changes of one CID's attribute the last wins.
func (d *Draft) profiles(p *batch.Profiles, receivedMillis int64) error {
	ordinals, err := d.resolve(&p.CIDs, p.TimesMillis, receivedMillis)
	if err != nil {
		return err
	}
	order := d.byOrdinal(ordinals)
	for i := range p.Set {
		if err := d.attribute(&p.Set[i], order); err != nil {
			return err
		}
	}
	return nil
}

func (d *Draft) attribute(c *batch.Column, order []uint64) error {
	k := value.Absent
	for _, rowKind := range c.Kinds {
		if rowKind != value.Absent && rowKind != batch.Unset {
			k = rowKind
			break
		}
	}
	id, kind, values, found := d.schema.Attribute(c.Name)
	if !found {
		if k == value.Absent {
			return nil // unset what nobody has
		}
		id, kind, values = d.schema.addAttribute(c.Name, k, d.position)
	}
	coded := codedColumn{column: c, codes: code(c, values)}
	var changes []ordinalChange
	for _, o := range order {
		rowKind, cell := coded.cell(int(uint16(o)))
		if rowKind == value.Absent || rowKind != batch.Unset && rowKind != kind {
			continue // what is of another type was rejected before it came to the log
		}
		change := ordinalChange{ordinal: uint32(o >> 16), set: rowKind != batch.Unset, cell: cell}
		if last := len(changes) - 1; last >= 0 && changes[last].ordinal == change.ordinal {
			changes[last] = change
		} else {
			changes = append(changes, change)
		}
	}
	return d.applyColumn(changes, func(s *shard) *blocks {
		a := new(blocks)
		if old := at(s.attributes, id); old != nil {
			*a = *old
		}
		s.attributes = put(s.attributes, id, a)
		return a
	}, fragKey{kind: kindAttribute, field: id})
}
