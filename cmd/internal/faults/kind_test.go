package faults

import (
	"path"
	"strings"
	"testing"
)

// kind says what a file of a data directory is for.
func kind(name string) string {
	base, in := path.Base(name), path.Base(path.Dir(name))
	switch {
	case name == "":
		return "data directory"
	case strings.HasPrefix(base, "server.json"):
		return "server.json"
	case strings.HasPrefix(base, "clean-shutdown"):
		return "clean-shutdown"
	case strings.HasPrefix(base, "app.json"):
		return "app.json"
	case name == "LOCK":
		return "lock"
	case name == "apps" || in == "apps":
		return "directory of apps"
	case base == "log" || base == "index" || base == "snapshots":
		return base + " directory"
	case in == "log":
		return "log"
	case in == "snapshots":
		return "snapshot"
	case strings.HasPrefix(in, "index"):
		return "index " + strings.TrimLeft(strings.TrimLeft(base, "0123456789"), ".")
	}
	return base
}

func TestKind(t *testing.T) {
	for name, want := range map[string]string{
		"": "data directory", "apps": "directory of apps", "apps/default": "directory of apps",
		"server.json.4711": "server.json", "apps/default/log/00000000000000000001.log": "log",
		"apps/default/index/00001.mem": "index mem", "apps/default/index/MANIFEST": "index MANIFEST",
		"apps/default/index": "index directory", "apps/default/snapshots/new.tmp": "snapshot",
	} {
		if got := kind(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
