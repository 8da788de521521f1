//go:build race

package memory

// Under the race detector memory that came back is overwritten, so that whoever goes on using it is seen to be wrong.
const poison = true
