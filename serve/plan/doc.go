// Package plan chooses when to send one message to one CID: a window of the CID's own day, exact in its own time zone, within what a policy
// allows, with the reasons for it.
//
// It computes and nothing else: there is no clock, no store and no randomness in it, and the only files it reads are those of a [Library]. The
// same input gives the same answer, on every machine and in every order.
//
// Windows are ranked by engagement: a message goes out at a moment spread evenly over its window, so a window is worth the mean of its hours. How likely there is any
// activity in a window is told beside it, and ranks nothing.
//
// The work is divided so that many CIDs are cheap. What depends on the message, the zone and the place alone, which is all arithmetic of
// time, is done once for each such pair and kept in the [Planner]; what depends on the CID is done by a [Worker]. Where it need only be known how many are sent to when, a [Tally]
// comes to the same in a tenth of the time, by the best hours of each CID alone.
//
// Instants are Unix seconds. A local hour is an hour by the clock on the wall: one that daylight saving leaves out does not exist and no window
// starts in it; one that comes twice counts once, and windows start in its first coming.
package plan
