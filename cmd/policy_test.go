// Package cmd_test checks rules that hold for the whole module.
package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "whowhen.dev/whowhen"
	root   = ".."
)

// folders are the rooms of the house and the siblings each may import.
func folders() map[string][]string {
	return map[string][]string{
		"proto":    {},
		"segments": {},
		"models":   {},
		"features": {"segments"},
		"training": {"features", "models", "segments"},
		"serve":    {"proto", "segments", "features", "models"},
		"cmd":      {"proto", "segments", "features", "models", "training", "serve"},
	}
}

// only says where a module may be imported, and why nowhere else.
type only struct {
	module  string
	folders []string
	why     string
}

func confined() []only {
	return []only{
		{"github.com/dgraph-io/badger", []string{"segments"}, "what is on disk is the business of segments alone"},
		{"github.com/RoaringBitmap/roaring", []string{"segments"}, "bitmaps leave segments as counts, CIDs and answers, never as bitmaps that could be changed or alias the store"},
		{"connectrpc.com", []string{"serve", "cmd", "proto/gen"}, "segments and models are used without a wire, too"},
		{"gonum.org/v1/gonum", []string{"models", "training"}, "numeric code stays where it is tested against references"},
		{"github.com/sugarme/tokenizer", []string{"features"}, "it panics on some input, and features alone guards against that"},
	}
}

type source struct {
	path    string // from the module's root, with slashes
	test    bool
	imports []string
}

func (s source) folder() string { return strings.SplitN(s.path, "/", 2)[0] }

// sources parses the imports of every Go file. Files are read here and not by the go command,
// because a test that runs another program is cached without regard to what that reads.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	walkGo(t, parser.ImportsOnly, func(name string, _ *token.FileSet, file *ast.File) {
		s := source{path: name, test: strings.HasSuffix(name, "_test.go")}
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			s.imports = append(s.imports, p)
		}
		all = append(all, s)
	})
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: the test looks in the wrong place", len(all))
	}
	return all
}

func walkGo(t *testing.T, mode parser.Mode, visit func(name string, files *token.FileSet, file *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "whowhen-data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(files, name, nil, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(rel), files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// within says whether a path is a folder or below it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func TestFoldersImportOneWay(t *testing.T) {
	allowed := folders()
	for _, s := range sources(t) {
		siblings, known := allowed[s.folder()]
		if !known {
			t.Errorf("%s: there is no room called %s in the house; DESIGN says which there are", s.path, s.folder())
			continue
		}
		for _, p := range s.imports {
			rest, ours := strings.CutPrefix(p, module+"/")
			if !ours {
				continue
			}
			to := strings.SplitN(rest, "/", 2)[0]
			if to != s.folder() && !slices.Contains(siblings, to) {
				t.Errorf("%s imports %s: %s may import of its siblings only %v, so that each can be understood without what is built on it", s.path, p, s.folder(), siblings)
			}
		}
	}
}

func TestModulesStayInTheirRooms(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports {
			for _, rule := range confined() {
				if !within(p, rule.module) && !strings.HasPrefix(p, rule.module+"/") {
					continue
				}
				if !slices.ContainsFunc(rule.folders, func(f string) bool { return within(s.path, f) }) {
					t.Errorf("%s imports %s, which belongs in %v: %s", s.path, p, rule.folders, rule.why)
				}
			}
		}
	}
}

func TestNoCgo(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(s.imports, "C") {
			t.Errorf("%s imports C: whowhen builds without a C compiler", s.path)
		}
	}
}

// TestNoUnsafe lets unsafe tell sizes, and nothing else, but for the one file that turns memory outside the Go heap into
// words, and for one file of a test, which talks to the kernel in its structures.
func TestNoUnsafe(t *testing.T) {
	walkGo(t, parser.SkipObjectResolution, func(name string, files *token.FileSet, file *ast.File) {
		if within(name, "proto/gen") {
			return // the generator's own way of embedding descriptors
		}
		switch name {
		case "segments/internal/memory/cast.go":
			return // checked there: aligned, whole, and without pointers
		case "cmd/internal/faults/seccomp_test.go":
			return // x/sys has no calls for seccomp's listener; nothing of it is read from disk
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, plain := selector.X.(*ast.Ident); plain && of.Name == "unsafe" && selector.Sel.Name != "Sizeof" {
				t.Errorf("%s uses unsafe.%s: what is read from disk is never cast", files.Position(n.Pos()), selector.Sel.Name)
			}
			return true
		})
	})
}

func TestTopLevelFolders(t *testing.T) {
	allowed := folders()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	local := []string{"bin", "whowhen-data"} // made by make run, ignored by git
	for _, e := range entries {
		name := e.Name()
		if _, ok := allowed[name]; !e.IsDir() || ok || name == "docs" || strings.HasPrefix(name, ".") || slices.Contains(local, name) {
			continue
		}
		t.Errorf("%s/ is not one of the rooms of the house: put it into one", name)
	}
}

// TestNoInPlaceXor forbids the method a.Xor(b) of roaring bitmaps, which corrupts b. The
// function Xor(a, b) of the package is sound.
func TestNoInPlaceXor(t *testing.T) {
	walkGo(t, parser.SkipObjectResolution, func(name string, files *token.FileSet, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		packages := map[string]bool{} // names by which roaring's packages go in this file
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !strings.HasPrefix(p, "github.com/RoaringBitmap/roaring") {
				continue
			}
			local := path.Base(p)
			if local == "v2" {
				local = "roaring"
			}
			if spec.Name != nil {
				local = spec.Name.Name
			}
			packages[local] = true
		}
		if len(packages) == 0 {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "Xor" {
				return true
			}
			if of, plain := selector.X.(*ast.Ident); !plain || !packages[of.Name] {
				t.Errorf("%s uses the method Xor, which corrupts the other bitmap: use roaring.Xor(a, b)", files.Position(n.Pos()))
			}
			return true
		})
	})
}
