package column

// ReadOffsets copies the offsets of rows from..from+len(to), and returns them.
func (c *Chunk) ReadOffsets(to []int64, from int) []int64 { return c.offsets.Read(to, from) }

// ReadUTC copies the own UTC offsets of rows from..from+len(to), in minutes, NoUTC where none is known, and returns them; nil when none
// is known of any row of the chunk.
func (c *Chunk) ReadUTC(to []int64, from int) []int64 {
	if c.utc.Len() == 0 {
		return nil
	}
	return c.utc.Read(to, from)
}

// Props appends the numbers of the properties that rows have.
func (c *Chunk) Props(to []uint32) []uint32 {
	for i := range c.props {
		to = append(to, c.props[i].ID)
	}
	return to
}
