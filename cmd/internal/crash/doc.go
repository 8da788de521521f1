// Package crash kills the real server at random moments, again and again, and checks that
// nothing it acknowledged is lost and nothing counts twice. It holds tests only.
//
// WHOWHEN_CRASH_CYCLES sets how often (default 6); `make crash` takes 300.
package crash
