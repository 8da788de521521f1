// Package serve is the edge of whowhen: it decodes requests of the API in package
// whowhen.v1, calls segments, and encodes the answers. Every procedure is served as
// Connect, gRPC and gRPC-Web, so also as plain HTTP with JSON.
//
// What an answer means is decided in segments; what is decided here is how much a caller may
// send and how long it may take, and how faults are told.
package serve
