// Package faults runs the real server under a disk that fails: the i-th system call that changes a file of the data
// directory is answered with an error instead of being done, for every i until a run passes without one. It checks that
// nothing acknowledged is lost, that nothing counts twice, that refusals say why, that reads go on, and that a
// restart on a sound disk mends everything. It holds tests only, and they need Linux.
//
// How a call is made to fail: the test binary starts itself as a launcher, which gives itself a seccomp filter and becomes
// the program under test. The kernel then holds each call that the filter names until the test has said what
// becomes of it (seccomp_unotify(2)). What the program does by writing to mapped memory is no call and cannot fail
// here; the msync after it can.
//
// By default a random share of the runs is made, by WHOWHEN_FAULTS_SEED; WHOWHEN_FAULTS=all makes all of them.
package faults
