package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

const childDir = "WHOWHEN_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := generations(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// listing is the crash test's manifest.
type listing struct {
	Generation int
	Sizes      map[string]int
}

func readListing(s *Store) (listing, error) {
	var l listing
	b, err := s.Manifest()
	if errors.Is(err, ErrMissing) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	return l, err
}

// generations writes one generation after another until it is killed, and prints the number
// of each whose manifest was set. The last generation's blobs are half kept, half replaced.
func generations(dir string) error {
	s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
	if err != nil {
		return err
	}
	l, err := readListing(s)
	if err != nil {
		return err
	}
	for {
		l.Generation++
		next := listing{l.Generation, map[string]int{}}
		var old [][]byte
		for key, size := range l.Sizes {
			if len(next.Sizes) < 4 {
				next.Sizes[key] = size
			} else {
				old = append(old, []byte(key))
			}
		}
		w := s.Writer()
		for i := range 4 {
			key := fmt.Sprintf("%08d/%d/%d", l.Generation, os.Getpid(), i)
			next.Sizes[key] = []int{100, 3000, 30_000, 400_000}[i]
			if err := w.Put([]byte(key), content(key, next.Sizes[key])); err != nil {
				return err
			}
		}
		b, err := json.Marshal(next)
		if err != nil {
			return err
		}
		if err := errors.Join(w.Flush(), s.SetManifest(b)); err != nil {
			return err
		}
		fmt.Println(next.Generation)
		if err := s.Delete(old); err != nil {
			return err
		}
		l = next
	}
}

// After any kill, the manifest on disk is no older than the last one acknowledged, and all that it
// lists is there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	orphans, total := 0, 0
	for cycle := range 10 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged, left := 0, 5+rand.IntN(40)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			if left--; left == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		s, err := Open(dir, Options{MemTableBytes: minMemTableBytes})
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		l, err := readListing(s)
		if err != nil || l.Generation < acknowledged {
			t.Fatalf("cycle %d: generation %d, acknowledged %d, %v", cycle, l.Generation, acknowledged, err)
		}
		for key, size := range l.Sizes {
			if got, err := get(s, []byte(key)); err != nil || !bytes.Equal(got, content(key, size)) {
				t.Fatalf("cycle %d: %s: %d bytes, %v", cycle, key, len(got), err)
			}
		}
		var unlisted [][]byte
		if err := s.Keys(nil, func(key []byte, _ int) error {
			if _, ok := l.Sizes[string(key)]; !ok {
				unlisted = append(unlisted, bytes.Clone(key))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(unlisted); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, size := range l.Sizes {
			if size > inlineBytes {
				want += (size + partBytes - 1) / partBytes
			}
		}
		if n := rawKeys(t, s, "p"); n != want {
			t.Errorf("cycle %d: %d parts stored, the manifest's blobs have %d", cycle, n, want)
		}
		orphans, total = orphans+len(unlisted), l.Generation
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d generations, %d orphans found and deleted", total, orphans)
}
