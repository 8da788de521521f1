package load

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePairs(t *testing.T) {
	for text, want := range map[string][]Pair{
		"cid=CustomerID,time=InvoiceDate": {{"cid", "CustomerID"}, {"time", "InvoiceDate"}},
		`"a=b"="c,""d""",e=f=g`:           {{"a=b", `c,"d"`}, {"e", "f=g"}},
		"a= b ":                           {{"a", " b "}},
	} {
		got, err := ParsePairs(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParsePairs(%q): %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"", "a", "a=", "=b", "a=b,", "a=b,c", `"a=b`, `"a"b=c`, `a="b"c`} {
		if got, err := ParsePairs(text); err == nil {
			t.Errorf("ParsePairs(%q) = %q", text, got)
		}
	}
}

func TestParseSet(t *testing.T) {
	for text, want := range map[string]Pair{
		"amount=Quantity*UnitPrice": {"amount", "Quantity*UnitPrice"},
		`"a b"="c d"*2`:             {"a b", `"c d"*2`},
	} {
		if got, err := ParseSet(text); err != nil || got != want {
			t.Errorf("ParseSet(%q) = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "a=", "=b"} {
		if got, err := ParseSet(text); err == nil {
			t.Errorf("ParseSet(%q) = %q", text, got)
		}
	}
}
