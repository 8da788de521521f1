// Package sendtime predicts in which hours of its own day a CID engages. It is numbers only: no I/O, no clock, no randomness.
//
// For a CID and a local day it gives the probability of any activity on the day, and for each of the 24 local hours the probability of
// activity in it on a day with activity. Both are logistic regressions. That of the hours is made in two steps. The base is
//
//	z(h) = b0 + sum over j of b(j) x(j, h)
//
// with the same coefficients for all hours, over the log-odds of the curves of everyone, of the zone and of the country, the CID's own
// histograms shrunk to them, its rate of activity, the hours of its last active day and, in bins, the time from its last activity to the
// hour in question. The kernel then corrects each hour by what the 24 hours of the last active day and of the histories say,
//
//	logit p(h) = z(h) + c0(h) + sum over k of c(h, k) y(k)
//
// so that a habit of the morning can speak for the evening. Both are held small by ridge penalties: the base about the rule of an untrained
// model, which is the CID's own histogram shrunk to the curve of its country or zone, shrunk to everyone's; the kernel about nothing. So with
// little to learn from, the rule speaks, and with no data at all the prior curve.
package sendtime
