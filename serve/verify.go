package serve

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
)

// VerifyModels reads the models in the directory of an app, which nobody needs to have open, and says what is wrong with them. It
// returns how many versions there are. Nothing is changed.
func VerifyModels(appDir string) (versions int, findings []segments.Finding) {
	dir := registry.At(filepath.Join(appDir, "models"))
	found := func(part, remedy string, err error) {
		findings = append(findings, segments.Finding{Part: part, Problem: problemOf(err), Remedy: remedy})
	}
	const unreadable = "make the directory models readable, or remove it"
	names, err := dir.Names()
	if err != nil {
		found("models", unreadable, err)
		return 0, findings
	}
	for _, name := range names {
		all, err := dir.Versions(name)
		if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
			err = nil // a directory without versions, which a training may have begun
		}
		if err != nil {
			found("model "+name, "make its directory readable", err)
			continue
		}
		changes, err := dir.History(name)
		if err != nil {
			found("model "+name, "remove its changes.jsonl, and make a version active again", err)
		}
		if active, _ := registry.Active(changes); active != "" && !slices.Contains(all, active) {
			found("model "+name, "bring its files back, make another version active, or deactivate the model", fmt.Errorf("version %s is active, and its files are not there", active))
		}
		if _, err := dir.Scorings(name); err != nil {
			found("model "+name, "remove its scorings.jsonl; what was foretold before is then not compared with what came", err)
		}
		versions += len(all)
		for _, version := range all {
			if name == SendTimeModel {
				_, err = loadRhythm(dir, version)
			} else {
				_, _, err = loadModel(dir, name, version)
			}
			if err != nil {
				found(fmt.Sprintf("model %s, version %s", name, version), "activate another version if it is active, or train again", err)
			}
		}
	}
	rules, err := dir.Rules()
	if err != nil {
		found("models", unreadable, err)
	}
	for _, identity := range rules {
		data, err := dir.Rule(identity)
		if err == nil {
			var m *rhythmModel
			if m, err = decodeRhythm(data); err == nil && m.identity != identity {
				err = errors.New("it is not what was written under that name")
			}
		}
		if err != nil {
			found("the rule of send times "+identity, "remove the file; whowhen when --refresh makes another, with --event where activity is something else than opens", err)
		}
	}
	return versions, findings
}

// problemOf says what is wrong, with its cause.
func problemOf(err error) string {
	if known := new(segments.Error); errors.As(err, &known) && known.Err != nil {
		return fmt.Sprintf("%s: %v", known.Message, known.Err)
	}
	return err.Error()
}
