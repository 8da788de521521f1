package main

import (
	"strings"
	"testing"
)

func TestArgumentsThatAreNotUTF8(t *testing.T) {
	data := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"count", "tag(\"\xff\xfe\")"}, "at byte 5: the text is not UTF-8 from here on.\n\n  tag(\"��\")\n       ^\n"},
		{[]string{"select", "\xc3(everyone)"}, "at byte 0: "},
		{[]string{"explain", "everyone or tag(\"é\xe9\")", "--cid", "a"}, "at byte 19: "},
		{[]string{"contains", "everyone \xe2\x82", "a"}, "at byte 9: "},
		{[]string{"contains", "everyone", "a\xff"}, `"a\xff" is not UTF-8 from byte 1 on`},
		{[]string{"load", "events", "caf\xe9.csv"}, `"caf\xe9.csv" is not UTF-8 from byte 3 on`},
	} {
		code, stdout, stderr := runHere(t, append(c.args, "--data", data)...)
		if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "whowhen: "+c.want) {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
	// The character that stands for what cannot be read is one like any other.
	if code, stdout, stderr := runHere(t, "init", "--data", data); code != exitDone {
		t.Fatal(code, stdout, stderr)
	}
	if code, stdout, stderr := runHere(t, "count", "tag(\"\ufffd\")", "--data", data); code != exitDone || stdout != "0\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}
