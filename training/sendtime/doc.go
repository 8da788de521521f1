// Package sendtime trains the model of when each CID engages, and judges it on later days as if it had been asked then.
//
// A backtest from a day on fits the model to what happened before that day, goes on with every CID's own history, and before each local day with
// activity ranks its 24 hours knowing nothing of that day or a later one. Knowledge is cut by instant, and the zone of a CID is the last one
// known. So a store that ends sooner gives the same predictions, as far as it goes.
package sendtime
