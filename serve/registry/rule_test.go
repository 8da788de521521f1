package registry

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRules(t *testing.T) {
	dir := t.TempDir()
	r := At(filepath.Join(dir, "models"))
	if data, err := r.Rule("a1"); data != nil || err != nil {
		t.Fatalf("a rule of nowhere is %q, %v", data, err)
	}
	if err := r.DropRules(""); err != nil {
		t.Fatal(err)
	}
	for _, rule := range [][2]string{{"a1", "one"}, {"b2", "two"}, {"a1", "three"}} {
		if err := r.SaveRule(rule[0], []byte(rule[1])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Add("churn", func(Version) (Content, error) { return Content{}, nil }); err != nil {
		t.Fatal(err)
	}
	for identity, want := range map[string]string{"a1": "three", "b2": "two", "c3": ""} {
		if data, err := r.Rule(identity); string(data) != want || err != nil {
			t.Errorf("rule %s is %q, %v; want %q", identity, data, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "models", "rule-a1-77"), nil, 0o600); err != nil { // of a write that was cut off
		t.Fatal(err)
	}
	if all, err := r.Rules(); len(all) != 2 || all[0] != "a1" || all[1] != "b2" || err != nil {
		t.Errorf("rules are %v, %v", all, err)
	}
	if err := r.DropRules("b2"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "models"))
	if err != nil || len(entries) != 2 || entries[0].Name() != "churn" || entries[1].Name() != "rule-b2.json" {
		t.Errorf("left are %v, %v", entries, err)
	}
	if names, err := r.Names(); len(names) != 1 || err != nil {
		t.Errorf("models are %v, %v", names, err)
	}
}
