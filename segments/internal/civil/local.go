package civil

// Local returns what a clock on the wall shows at a moment, as seconds since 1970 as if the zone were UTC.
func (z *Zone) Local(seconds int64) int64 {
	if seconds < z.fromSeconds || seconds >= z.toSeconds {
		z.seek(seconds)
	}
	return seconds + z.offsetSeconds
}
