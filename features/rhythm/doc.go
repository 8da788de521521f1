// Package rhythm reads off what happened when in each CID's own day: one state that is advanced event by event, the same for training, for a
// backtest and for an answer, so that they cannot drift apart.
//
// A local day is counted by the clock where the event happened: the event's own UTC offset if it has one, else that of the profile's zone at that
// moment if an attribute with it is named, else the offset that the CID was last seen with, else that of the app's zone.
package rhythm
