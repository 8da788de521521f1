// Package hostile holds tests that attack the real program: requests, connections and files made to exhaust it.
// While a server is under attack, a client that wishes it well must get on, and the memory that the server takes
// must stay within bounds. WHOWHEN_HOSTILE=all makes the attacks larger and longer.
//
// The tests read the memory of other processes from /proc, which only Linux has.
package hostile
