package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGeneratedCodeIsCurrent(t *testing.T) {
	if err := run(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

func TestCompareNamesEveryDifference(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"a/one.go": "1", "a/two.go": "2"}
	if err := write(dir, want); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, want); err != nil {
		t.Fatalf("just written: %v", err)
	}
	for name, content := range map[string]string{"a/two.go": "changed", "old.go": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "a", "one.go")); err != nil {
		t.Fatal(err)
	}
	err := compare(dir, want)
	if err == nil || !strings.Contains(err.Error(), "a/one.go (missing), a/two.go (stale), old.go (left over)") {
		t.Fatalf("compare = %v", err)
	}
	if err := write(dir, want); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir, want); err != nil {
		t.Fatalf("written again: %v", err)
	}
}

func TestModuleRootFromBelow(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "proto", "genproto")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if _, err := moduleRoot(); err == nil {
		t.Fatal("a module where there is none")
	}
}
