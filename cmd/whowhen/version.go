package main

import (
	"fmt"
	"runtime"
)

type versionCmd struct{}

func (versionCmd) Run(m *Main) error {
	if m.flags.JSON {
		return writeJSON(m.Stdout, struct {
			Version string `json:"version"`
			Go      string `json:"go"`
		}{m.Version, runtime.Version()})
	}
	_, err := fmt.Fprintf(m.Stdout, "whowhen %s\n", m.Version)
	return err
}
