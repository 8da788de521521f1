package bench

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func zipOf(t testing.TB, texts ...string) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i, text := range texts {
		entry, err := w.Create(fmt.Sprintf("bitmap%d.txt", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "some.zip")
	if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func quick() Pace { return Pace{Rounds: 3, Budget: time.Second, Now: time.Now} }

func TestBitmaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var texts []string
	for i := range 4 {
		var list []string
		for x := range uint32(1_200_000) {
			if x>>16%3 != uint32(i%3) && rng.Uint32()>>(32-i*2) == 0 {
				list = append(list, fmt.Sprint(x))
			}
		}
		texts = append(texts, strings.Join(list, ",")+"\n")
	}
	figures, err := Bitmaps(t.Context(), quick(), zipOf(t, append(texts, "", "7", "0,4294967295")...))
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 4 || figures[0].Name != "some.union_pairs" || *figures[0].Result != *figures[0].BaselineResult || *figures[0].Result == 0 {
		t.Errorf("%+v", figures)
	}
}

func TestBitmapsThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"1,2,x":       "'x' in number 3",
		"1,,2":        "number 2 is empty",
		"5,5":         "number 2 is 5, which does not ascend",
		"4294967296":  "does not fit 32 bits",
		"1,2,":        "number 3 is empty",
		"-1":          "'-' in number 1",
		"99999999999": "does not fit",
	} {
		_, err := Bitmaps(t.Context(), quick(), zipOf(t, "1,2,3", text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "bitmap1.txt") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Bitmaps(t.Context(), quick(), zipOf(t, "1")); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("one bitmap: %v", err)
	}
	none := filepath.Join(t.TempDir(), "none.zip")
	if _, err := Bitmaps(t.Context(), quick(), none); err == nil {
		t.Error("a file that is not there")
	}
	if err := os.WriteFile(none, []byte("no zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Bitmaps(t.Context(), quick(), none); err == nil {
		t.Error("a file that is no zip")
	}
}

func FuzzReadMembers(f *testing.F) {
	f.Add([]byte("1,2,3\n"))
	f.Add([]byte("0,4294967295"))
	f.Add([]byte(",,"))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := readMembers(bytes.NewReader(data))
		if err != nil {
			return
		}
		for i := 1; i < len(members); i++ {
			if members[i-1] >= members[i] {
				t.Fatalf("%d, %d", members[i-1], members[i])
			}
		}
	})
}

// TestRealBitmaps reads the files of roaring's authors, where they are.
func TestRealBitmaps(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/roaring_*.zip")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no shared/data/roaring_*.zip beside the project")
	}
	for _, file := range files {
		figures, err := Bitmaps(t.Context(), quick(), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range figures {
			t.Logf("%-40s %9.0f us, library %9.0f us, %.2f", f.Name, f.P50US, f.BaselineP50US, f.Speedup)
		}
	}
}
