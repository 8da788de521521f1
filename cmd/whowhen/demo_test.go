package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

// TestPartsOfOneDocument holds that with --json what steps print becomes a part of one document of one line, and that without it they print as ever.
func TestPartsOfOneDocument(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		m := &Main{Stdout: &out}
		m.flags.JSON = asJSON
		opened := true
		m.onClose(func() error { opened = false; return nil })
		trained, err := m.printed(func() error {
			if opened {
				t.Error("the directory is still open")
			}
			return m.print("{\n  \"auc\": 0.8\n}")
		})
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("no room")
		if _, err := m.printed(func() error { return errors.Join(m.print("{}"), broken) }); !errors.Is(err, broken) {
			t.Error(err)
		}
		if !asJSON {
			if out.String() != "{\n  \"auc\": 0.8\n}\n{}\n" || trained != nil {
				t.Errorf("%q, %q", out.String(), trained)
			}
			continue
		}
		if out.Len() > 0 {
			t.Errorf("printed apart: %q", out.String())
		}
		if err := writeJSON(m.Stdout, demoJSON{Made: true, LastDay: "2026-04-01", Models: []demoModelJSON{{"churn", trained, json.RawMessage("{\"version\":\"1\"}\n")}}}); err != nil {
			t.Fatal(err)
		}
		want := `{"made":true,"records":0,"last_day":"2026-04-01","models":[{"name":"churn","trained":{"auc":0.8},"activated":{"version":"1"}}]}` + "\n"
		if out.String() != want {
			t.Errorf("%s, want %s", out.String(), want)
		}
	}
}
