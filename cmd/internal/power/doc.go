// Package power cuts the power of the disk under the real server at random moments, again and again, and checks that
// it starts from what the device held, that nothing it acknowledged is lost and that nothing counts twice. It holds
// tests only, for Linux and root.
//
// The server's directory is on an ext4 file system in a file on a loop device. That file is on another file system,
// which is frozen: from that moment on the device takes nothing more, in the middle of a write of many blocks as
// well. The file is copied, the server is killed, and the copy is mounted, which replays the journal. So what only the
// page cache had is lost, as with the power. What the device has taken is not: a disk that loses what is in its own
// cache is not imitated, as the file system's flushes are the kernel's to get right.
//
// WHOWHEN_POWER_CYCLES sets how often (default 2), WHOWHEN_POWER_SEED repeats a run's choices.
package power
