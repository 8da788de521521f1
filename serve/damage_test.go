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

// TestDamageOfOneModel holds that a model whose changes cannot be read is told with that, and that the others do not suffer.
func TestDamageOfOneModel(t *testing.T) {
	_, app, c := modelServer(t)
	if _, err := modelDir(app).Add(SendTimeModel, func(v string) (registry.Content, error) { return sendTimeArtifact(t, v), nil }); err != nil {
		t.Fatal(err)
	}
	activate := func(name string) {
		t.Helper()
		if _, err := c.Activate(t.Context(), connect.NewRequest(&whowhenv1.ActivateModelRequest{Name: name, Version: "1"})); err != nil {
			t.Fatal(err)
		}
	}
	activate("churn")
	activate(SendTimeModel)
	if err := os.WriteFile(filepath.Join(app.Dir(), "models", "churn", "changes.jsonl"), []byte("junk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := func(m *whowhenv1.Model) {
		t.Helper()
		if m.Name != "churn" || m.Newest != "3" || len(m.Versions) != 3 || m.Active != "" || !strings.Contains(m.Problem, "changes.jsonl cannot be read; mend or remove it") || strings.Contains(m.Problem, "\n") {
			t.Errorf("%v", m)
		}
	}
	list, err := c.List(t.Context(), connect.NewRequest(&whowhenv1.ListModelsRequest{}))
	if err != nil || len(list.Msg.Models) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	damaged(list.Msg.Models[0])
	if m := list.Msg.Models[1]; m.Name != SendTimeModel || m.Active != "1" || m.Problem != "" {
		t.Errorf("%v", m)
	}
	got, err := c.Get(t.Context(), connect.NewRequest(&whowhenv1.GetModelRequest{Name: "churn", Version: "1"}))
	if err != nil {
		t.Fatal(err)
	}
	damaged(got.Msg.Model)
	if _, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1"}); err != nil {
		t.Errorf("scored for a file: %v", err)
	}
	if _, _, err := scoreAll(t, c, &whowhenv1.ScoreAllRequest{Name: "churn", Version: "1", Publish: true}); reasonOf(t, err) != string(registry.ModelDamaged) {
		t.Errorf("published: %v", err)
	}
	statuses, err := modelStatuses(t.Context(), app)
	if err != nil || len(statuses) != 2 || statuses[0].Problem == "" || strings.Contains(statuses[0].Problem, "\n") || statuses[1].Active != "1" {
		t.Errorf("%v, %v", statuses, err)
	}
}
