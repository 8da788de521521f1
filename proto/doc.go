// Package proto holds the API of whowhen: whowhen/v1/*.proto and, in gen, the Go
// code generated from it, which is committed. After a change of a .proto file run
// `go generate ./proto`; a test fails while the two differ.
package proto

//go:generate go run ./genproto
