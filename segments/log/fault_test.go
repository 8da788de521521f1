package log

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

var errInjected = errors.New("injected")

// disk runs the real file operations, fails the one numbered failAt, and
// remembers what a power loss would leave: of a file its content at the last
// flush, of a directory its names at the last flush.
type disk struct {
	failAt int
	dead   bool // after the failure everything else fails, too

	ops    int
	op     string // the failed one
	synced map[string][]byte
	names  map[string]map[string]bool
}

func newDisk(failAt int, dead bool) *disk {
	return &disk{failAt: failAt, dead: dead, synced: map[string][]byte{}, names: map[string]map[string]bool{}}
}

// do counts an operation and returns an error if it is to fail.
func (d *disk) do(op, name string) error {
	d.ops++
	if d.ops == d.failAt {
		d.op = op + " " + filepath.Base(name)
	}
	if d.ops == d.failAt || d.dead && d.ops > d.failAt {
		return fmt.Errorf("%s: %w", op, errInjected)
	}
	return nil
}

func (d *disk) files() files {
	fs := osFiles()
	return files{
		mkdir: func(name string) error {
			if err := d.do("mkdir", name); err != nil {
				return err
			}
			return fs.mkdir(name)
		},
		create: func(name string) (*os.File, error) {
			if err := d.do("create", name); err != nil {
				return nil, err
			}
			return fs.create(name)
		},
		writeAt: func(f *os.File, b []byte, offset int64) error {
			if err := d.do("write", f.Name()); err != nil {
				return errors.Join(err, fs.writeAt(f, b[:len(b)/2], offset))
			}
			return fs.writeAt(f, b, offset)
		},
		truncate: func(f *os.File, bytes int64) error {
			if err := d.do("truncate", f.Name()); err != nil {
				return err
			}
			return fs.truncate(f, bytes)
		},
		sync: func(f *os.File) error {
			if err := d.do("sync", f.Name()); err != nil {
				return err
			}
			content, err := os.ReadFile(f.Name())
			d.synced[f.Name()] = content
			return err
		},
		syncDir: func(dir *os.File) error {
			if err := d.do("syncDir", dir.Name()); err != nil {
				return err
			}
			entries, err := os.ReadDir(dir.Name())
			names := map[string]bool{}
			for _, e := range entries {
				names[e.Name()] = true
			}
			d.names[dir.Name()] = names
			return err
		},
		remove: func(name string) error {
			if err := d.do("remove", name); err != nil {
				return err
			}
			return fs.remove(name)
		},
	}
}

// after returns the images of dir that a power loss now may leave.
func (d *disk) after(t *testing.T, dir string) map[string]image {
	t.Helper()
	now := image{}
	if _, err := os.Stat(dir); err == nil {
		now = readImage(t, dir)
	}
	flushed, half, zeros := image{}, image{}, image{}
	for name := range d.names[dir] {
		kept := d.synced[filepath.Join(dir, name)]
		flushed[name] = kept
		half[name], zeros[name] = kept, kept
		if more := len(now[name]) - len(kept); more > 0 {
			half[name] = now[name][:len(kept)+more/2]
			zeros[name] = append(append([]byte(nil), kept...), make([]byte, more)...)
		}
	}
	named := maps.Clone(flushed) // names reach the disk on their own, too
	for name := range now {
		if _, ok := named[name]; !ok {
			named[name] = nil
		}
	}
	return map[string]image{"process killed": now, "only flushed": flushed, "half of the rest": half, "zeros for the rest": zeros, "names too": named}
}

// history appends groups of two, over several rotations and a reopening, and
// returns the last acknowledged position and the last one ever passed to
// Append. From the first failure on it expects nothing but failures.
func history(t *testing.T, dir string, fs files) (acked, tried uint64, err error) {
	t.Helper()
	for range 2 {
		l, _, err := open(dir, Options{SegmentBytes: 150}, fs)
		if err != nil {
			return acked, tried, err
		}
		defer l.Close()
		if l.Last() < acked {
			t.Fatalf("opened at %d, acknowledged were %d", l.Last(), acked)
		}
		for range 5 {
			tried = max(tried, acked+2)
			last, err := l.Append(payloadsFrom(acked+1, 2)...)
			if err == nil {
				acked = last
				continue
			}
			if !errors.Is(err, ErrFailed) || !errors.Is(err, errInjected) {
				t.Fatalf("a failed Append returned %v", err)
			}
			if _, again := l.Append(payloadAt(acked + 1)); again != err {
				t.Fatalf("the Append after a failed one returned %v", again)
			}
			if _, again := l.Append(); again != err {
				t.Fatalf("the empty Append after a failed one returned %v", again)
			}
			if l.Last() != acked {
				t.Fatalf("Last is %d, acknowledged were %d", l.Last(), acked)
			}
			mustEnd(t, l, 1, acked)
			return acked, tried, err
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return acked, tried, nil
}

// Each operation in turn fails, once or as the last thing before a power loss.
// Whatever reached the disk: the log opens, has all that was acknowledged, and
// goes on.
func TestEveryOperationFails(t *testing.T) {
	seen := map[string]bool{}
	for _, dead := range []bool{false, true} {
		for i := 1; ; i++ {
			dir := filepath.Join(t.TempDir(), "app", "log")
			d := newDisk(i, dead)
			acked, tried, err := history(t, dir, d.files())
			if d.op == "" {
				if err != nil || acked != 20 {
					t.Fatalf("without a failure: %d, %v", acked, err)
				}
				break
			}
			seen[d.op] = true
			label := fmt.Sprintf("operation %d (%s), dead %v", i, d.op, dead)
			if acked > 0 && (!d.names[filepath.Dir(dir)]["log"] || !d.names[filepath.Dir(filepath.Dir(dir))]["app"]) {
				t.Fatalf("%s: acknowledged before the directory's name was durable", label)
			}
			for what, m := range d.after(t, dir) {
				survives(t, label+", "+what, m, acked, tried, seen)
			}
		}
	}
	for _, op := range []string{
		"mkdir app", "mkdir log", "syncDir log", "create " + segmentName(1), "write " + segmentName(1), "sync " + segmentName(1), "create " + segmentName(5),
		"remove " + segmentName(5), "truncate " + segmentName(5), "sync " + segmentName(5)} {
		if !seen[op] {
			t.Errorf("never failed: %s; did: %v", op, seen)
		}
	}
}

// survives opens what is left in m, checks it and appends; and does that with
// each operation of the opening failing, too.
func survives(t *testing.T, label string, m image, acked, tried uint64, seen map[string]bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	for i := 1; ; i++ {
		m.write(t, dir, "", nil)
		d := newDisk(i, true)
		l, _, err := open(dir, Options{SegmentBytes: 150}, d.files())
		if err == nil {
			l.Close()
			break
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("%s: %v", label, err)
		}
		seen[d.op] = true
		l, _, err = open(dir, Options{SegmentBytes: 150}, hastyFiles())
		if err != nil {
			t.Fatalf("%s, and %s while opening: %v", label, d.op, err)
		}
		if l.Last() < acked || l.Last() > tried {
			t.Fatalf("%s, and %s while opening: last %d, acknowledged %d, tried %d", label, d.op, l.Last(), acked, tried)
		}
		l.Close()
	}
	l := mustOpen(t, dir, 150)
	defer l.Close()
	last := l.Last()
	if last < acked || last > tried {
		t.Fatalf("%s: last %d, acknowledged %d, tried %d", label, last, acked, tried)
	}
	mustEnd(t, l, 1, last)
	mustAppend(t, l, 2)
	mustAppend(t, l, 2)
	mustEnd(t, l, 1, last+4)
	l.Close()
	mustEnd(t, mustOpen(t, dir, 150), 1, last+4)
}

// Records that only a killed process's cache held are flushed by the next Open
// before it shows them, so that a power loss after that cannot take them back.
func TestOpenFlushesWhatItShows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	d := newDisk(0, false)
	l := mustOpen(t, dir, 150)
	for range 4 {
		mustAppend(t, l, 2) // without a flush the disk knows of
	}
	l.Close()
	if len(l.segments) < 2 {
		t.Fatal("no rotation")
	}
	for _, s := range l.segments[:len(l.segments)-1] {
		d.synced[s.path] = readImage(t, dir)[filepath.Base(s.path)] // done before rotation
	}
	l, _, err := open(dir, Options{SegmentBytes: 150}, d.files())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	m := d.after(t, dir)["only flushed"]
	after := t.TempDir()
	m.write(t, after, "", nil)
	mustEnd(t, mustOpen(t, after, 150), 1, 8)
}

// A directory that is there already may have been made by a process that was
// killed before it could flush the name.
func TestNewLogFlushesItsName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, dirPerm); err != nil {
		t.Fatal(err)
	}
	d := newDisk(0, false)
	l, _, err := open(dir, Options{}, d.files())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !d.names[filepath.Dir(dir)]["log"] {
		t.Fatal("the directory's name is not durable")
	}
}

// A failed flush takes its frames back where it can: a process started after
// it would find them in the cache, though they may never reach the disk.
func TestFailedFlushTakesFramesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	fs := hastyFiles()
	fail := false
	fs.sync = func(*os.File) error {
		if fail {
			return errInjected
		}
		return nil
	}
	l, _, err := open(dir, Options{}, fs)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 3)
	r := l.Read(1)
	defer r.Close()
	before := readImage(t, dir)
	fail = true
	if _, err := l.Append(payloadAt(4)); !errors.Is(err, ErrFailed) || !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	fail = false
	if _, err := l.Append(payloadAt(4)); !errors.Is(err, ErrFailed) {
		t.Fatalf("then got %v", err)
	}
	for want := uint64(1); want <= 3; want++ {
		if pos, _, err := r.Next(); pos != want || err != nil {
			t.Fatalf("read %d, %v", pos, err)
		}
	}
	mustEnd(t, l, 1, 3)
	l.Close()
	if !before.equal(readImage(t, dir)) {
		t.Fatal("frames of a failed flush are still in the file")
	}
	mustAppend(t, mustOpen(t, dir, 0), 1)
}
