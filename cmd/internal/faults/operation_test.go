//go:build linux && (amd64 || arm64)

package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// class is a way to change files: when the disk goes on failing, it fails in all calls of one class.
type class string

const (
	toWrite  class = "write"
	toSync   class = "sync"
	toResize class = "resize"
	toCreate class = "create"
	toRename class = "rename"
	toRemove class = "remove"
	toMap    class = "map"
)

// how a call names what it changes.
type how int

const (
	byFile    how = iota // the argument is a file's number
	byPath               // a directory's number, then the address of a path
	byAddress            // the address of mapped memory
)

// call is a system call that can change a file.
type call struct {
	name     string
	number   uintptr
	class    class
	how      how
	argument int // the first that says what is changed
	where    []bits
}

// calls are those by which a Go program changes files, its maps included; Go does not use the older forms, such
// as open and mkdir.
func calls() []call {
	return []call{
		{"write", unix.SYS_WRITE, toWrite, byFile, 0, nil},
		{"pwrite64", unix.SYS_PWRITE64, toWrite, byFile, 0, nil},
		{"writev", unix.SYS_WRITEV, toWrite, byFile, 0, nil},
		{"pwritev", unix.SYS_PWRITEV, toWrite, byFile, 0, nil},
		{"pwritev2", unix.SYS_PWRITEV2, toWrite, byFile, 0, nil},
		{"copy_file_range", unix.SYS_COPY_FILE_RANGE, toWrite, byFile, 2, nil},
		{"splice", unix.SYS_SPLICE, toWrite, byFile, 2, nil},
		{"sendfile", unix.SYS_SENDFILE, toWrite, byFile, 0, nil},
		{"fsync", unix.SYS_FSYNC, toSync, byFile, 0, nil},
		{"fdatasync", unix.SYS_FDATASYNC, toSync, byFile, 0, nil},
		{"sync_file_range", unix.SYS_SYNC_FILE_RANGE, toSync, byFile, 0, nil},
		{"msync", unix.SYS_MSYNC, toSync, byAddress, 0, nil},
		{"ftruncate", unix.SYS_FTRUNCATE, toResize, byFile, 0, nil},
		{"fallocate", unix.SYS_FALLOCATE, toResize, byFile, 0, nil},
		{"openat", unix.SYS_OPENAT, toCreate, byPath, 0, []bits{{2, unix.O_CREAT | unix.O_TRUNC}}},
		{"mkdirat", unix.SYS_MKDIRAT, toCreate, byPath, 0, nil},
		{"linkat", unix.SYS_LINKAT, toCreate, byPath, 2, nil},
		{"symlinkat", unix.SYS_SYMLINKAT, toCreate, byPath, 1, nil},
		{"renameat", unix.SYS_RENAMEAT, toRename, byPath, 2, nil},
		{"renameat2", unix.SYS_RENAMEAT2, toRename, byPath, 2, nil},
		{"unlinkat", unix.SYS_UNLINKAT, toRemove, byPath, 0, nil},
		{"mmap", unix.SYS_MMAP, toMap, byFile, 4, []bits{{2, unix.PROT_WRITE}, {3, unix.MAP_SHARED}}},
		{"mremap", unix.SYS_MREMAP, toMap, byAddress, 0, nil},
	}
}

func rules() []rule {
	var rules []rule
	for _, c := range calls() {
		rules = append(rules, rule{c.number, c.where})
	}
	return rules
}

// operation is a call that changes a file, or would.
type operation struct {
	call  string
	class class
	path  string // from the data directory
}

// String says what is done to which kind of file.
func (o operation) String() string { return o.call + " " + kind(o.path) }

// operationOn returns the operation that a held thread is about to do on a file below dir, and false when
// it is none: on a socket, say.
func operationOn(dir string, q question) (operation, bool, error) {
	for _, c := range calls() {
		if int32(c.number) != q.Call {
			continue
		}
		path, err := changed(c, q)
		if err != nil {
			return operation{}, false, fmt.Errorf("what %s of thread %d changes: %w", c.name, q.Thread, err)
		}
		below, inside := strings.CutPrefix(path, dir)
		if !inside || below != "" && below[0] != '/' {
			return operation{}, false, nil
		}
		return operation{c.name, c.class, strings.TrimPrefix(below, "/")}, true, nil
	}
	return operation{}, false, fmt.Errorf("call %d was asked about, and there is no rule for it", q.Call)
}

// changed returns the path of what a call changes, and no path for memory without a file.
func changed(c call, q question) (string, error) {
	first := q.Arguments[c.argument]
	switch c.how {
	case byFile:
		return fileAt(q.Thread, int32(first))
	case byPath:
		path, err := stringAt(q.Thread, q.Arguments[c.argument+1])
		if err != nil || filepath.IsAbs(path) {
			return filepath.Clean(path), err
		}
		in, err := fileAt(q.Thread, int32(first))
		return filepath.Join(in, path), err
	}
	return mappingAt(q.Thread, first)
}

// fileAt returns the path of an open file of a thread. A file that has been removed has the path it had.
func fileAt(thread uint32, fd int32) (string, error) {
	link := fmt.Sprintf("/proc/%d/fd/%d", thread, fd)
	if fd == unix.AT_FDCWD {
		link = fmt.Sprintf("/proc/%d/cwd", thread)
	}
	path, err := os.Readlink(link)
	if os.IsNotExist(err) { // the call will say so itself
		return "", nil
	}
	return strings.TrimSuffix(path, " (deleted)"), err
}

// stringAt returns a string in the memory of a thread.
func stringAt(thread uint32, address uint64) (string, error) {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", thread))
	if err != nil {
		return "", err
	}
	defer memory.Close()
	b := make([]byte, unix.PathMax)
	n, err := memory.ReadAt(b, int64(address)) // the memory may end soon after the string
	if end := bytes.IndexByte(b[:n], 0); end >= 0 {
		return string(b[:end]), nil
	}
	return "", fmt.Errorf("no path at %#x: %w", address, err)
}

// mappingAt returns the path of the file that is mapped at an address.
func mappingAt(thread uint32, address uint64) (string, error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", thread))
	if err != nil {
		return "", err
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to, inode uint64
		var rights, offset, device string
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "%x-%x %s %s %s %d", &from, &to, &rights, &offset, &device, &inode); err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
		if from <= address && address < to {
			if _, path, named := strings.Cut(line, "/"); named {
				return strings.TrimSuffix("/"+path, " (deleted)"), nil
			}
			return "", nil
		}
	}
	return "", nil
}
