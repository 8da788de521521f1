//go:build !linux

package segments

func physicalBytes() int64 { return 0 }
