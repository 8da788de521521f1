package serve

import (
	"errors"
	"fmt"
	"path/filepath"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/registry"
)

// VerifyModels reads the models in the directory of an app, which nobody needs to have open, and says what is wrong with them. It
// returns how many versions there are. Nothing is changed.
func VerifyModels(appDir string) (versions int, findings []segments.Finding, err error) {
	dir := registry.At(filepath.Join(appDir, "models"))
	found := func(part, remedy string, err error) {
		findings = append(findings, segments.Finding{Part: part, Problem: problemOf(err), Remedy: remedy})
	}
	names, err := dir.Names()
	if err != nil {
		return 0, nil, err
	}
	for _, name := range names {
		all, err := dir.Versions(name)
		if known := new(segments.Error); errors.As(err, &known) && known.Reason == registry.ModelUnknown {
			continue // a directory without versions, which a training may have begun
		}
		if err != nil {
			found("model "+name, "make its directory readable", err)
			continue
		}
		if _, err := dir.Changes(name); err != nil {
			found("model "+name, "remove its changes.jsonl, and make a version active again", err)
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
		return versions, findings, err
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
			found("the rule of send times "+identity, "remove the file; whowhen when --refresh makes another", err)
		}
	}
	return versions, findings, nil
}

// problemOf says what is wrong, with its cause.
func problemOf(err error) string {
	if known := new(segments.Error); errors.As(err, &known) && known.Err != nil {
		return fmt.Sprintf("%s: %v", known.Message, known.Err)
	}
	return err.Error()
}
