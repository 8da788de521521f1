// Package torture lets the real server ingest and answer for minutes, over data that is overwritten again and again, and
// checks that its goroutines, memory and disk stay where they are. It holds tests only.
//
// WHOWHEN_TORTURE_MINUTES sets for how long (default some seconds, in which nothing can be said about growth);
// `make torture` takes 20.
package torture
