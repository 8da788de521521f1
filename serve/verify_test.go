package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/serve/registry"
)

// TestVerifyModels breaks one file of an app's models at a time.
func TestVerifyModels(t *testing.T) {
	_, app, c := modelServer(t)
	dir := modelDir(app)
	if _, err := dir.Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: "churn", Version: "1"})); err != nil {
		t.Fatal(err)
	}
	rule := sendTimeArtifact(t, untrainedVersion).Artifact
	m, err := decodeRhythm(rule)
	if err == nil {
		err = dir.SaveRule(m.identity, rule)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(app.Dir(), "models", "begun"), 0o700); err != nil {
		t.Fatal(err)
	}
	if versions, findings := VerifyModels(app.Dir()); versions != 4 || len(findings) > 0 {
		t.Fatalf("%d versions, %v", versions, findings)
	}
	if versions, findings := VerifyModels(t.TempDir()); versions != 0 || len(findings) > 0 {
		t.Errorf("an app without models: %d versions, %v", versions, findings)
	}
	file := t.TempDir()
	if err := os.WriteFile(filepath.Join(file, "models"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, findings := VerifyModels(file); len(findings) == 0 || findings[0].Part != "models" {
		t.Errorf("models being a file: %v", findings)
	}
	// The active version is gone, with others there and without.
	for _, gone := range []string{"churn/1", "churn/2", "churn/3"} {
		if err := os.Rename(filepath.Join(app.Dir(), "models", gone), filepath.Join(app.Dir(), strings.ReplaceAll(gone, "/", "-"))); err != nil {
			t.Fatal(err)
		}
		if _, findings := VerifyModels(app.Dir()); len(findings) != 1 || findings[0].Part != "model churn" || !strings.Contains(findings[0].Problem, "version 1 is active") {
			t.Errorf("without %s: %v", gone, findings)
		}
	}
	for _, gone := range []string{"churn/1", "churn/2", "churn/3"} {
		if err := os.Rename(filepath.Join(app.Dir(), strings.ReplaceAll(gone, "/", "-")), filepath.Join(app.Dir(), "models", gone)); err != nil {
			t.Fatal(err)
		}
	}
	for file, part := range map[string]string{
		"churn/2/artifact.json": "model churn, version 2", "churn/changes.jsonl": "model churn", "send-time/1/artifact.json": "model send-time, version 1",
		"rule-" + m.identity + ".json": "the rule of send times " + m.identity,
	} {
		path := filepath.Join(app.Dir(), "models", file)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		broken := strings.Replace(string(was), "e", "f", 1)
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		_, findings := VerifyModels(app.Dir())
		if len(findings) != 1 || findings[0].Part != part || findings[0].Problem == "" || findings[0].Remedy == "" {
			t.Errorf("%s: %+v", file, findings)
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
