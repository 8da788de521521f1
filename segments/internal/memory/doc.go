// Package memory gives out memory outside the Go heap, which the garbage collector neither scans nor
// counts, and says when it may be taken back although readers come and go without locks.
//
// All use of unsafe is in cast.go.
package memory
