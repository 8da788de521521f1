// Package rig runs the real program for tests of the whole: it builds it, starts it on a directory, kills it, and has
// a workload of which it is known at any moment what must be there and what may be.
package rig
