// Package fulldisk has the real server write to a small disk until it is full, again and again, and checks that it
// says so, goes on answering, takes writes again once there is room, and has lost nothing. While it is full, another
// program may take what is left of the disk to the last byte, and the server may be stopped or killed and started
// again. It holds tests only, for Linux and root.
//
// The server keeps a reserve free, which holds as long as nobody else takes it. When another program takes the last
// bytes while the server saves its index, it may end, as files that are mapped into memory cannot be written then, or
// take no writes until it is started again. The test counts that, and asks that it then starts and has everything.
//
// WHOWHEN_FULLDISK_ROUNDS sets how often for each file system (default 1), WHOWHEN_FULLDISK_SEED repeats a run's
// choices.
package fulldisk
