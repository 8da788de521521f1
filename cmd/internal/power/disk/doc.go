// Package disk mounts small file systems for tests on Linux: ones that can be full, and ones whose device stops at
// one moment, as it does when the power goes. A test that may not mount, or has not what it takes, is skipped.
package disk
