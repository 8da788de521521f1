package main

import (
	"context"
	"errors"

	"whowhen.dev/whowhen/segments"
)

type initCmd struct {
	Zone string `placeholder:"ZONE" help:"IANA time zone of the app, such as Europe/London. Its days begin and end there. Default UTC."`
}

func (initCmd) Help() string {
	return `
An app counts behaviour by day, and its time zone says when a day begins. The zone is fixed
once and for all when the app is made. Without init, the app "default" is made with UTC
days when something is first loaded.

Examples:

  whowhen init --zone Europe/London
  whowhen init --app shop --zone Asia/Jakarta
`
}

func (c *initCmd) Run(ctx context.Context, m *Main) error {
	if err := m.onlyOnDirectory("init"); err != nil {
		return err
	}
	home, err := m.openHome(ctx)
	if err != nil {
		return err
	}
	name, zone := m.flags.App, c.Zone
	if name == "" {
		name = segments.DefaultApp
	}
	if zone == "" {
		zone = "UTC"
	}
	created := true
	app, err := home.CreateApp(name, zone)
	if known := (*segments.Error)(nil); errors.As(err, &known) && known.Reason == segments.AppExists {
		created = false
		app, err = m.readyApp(ctx, home, name)
	}
	if err != nil {
		return err
	}
	is := app.Zone().String()
	switch {
	case !created && c.Zone != "" && c.Zone != is:
		return failure("app %q is in %s already, with days of %s: an app's zone cannot be changed. Name another app with --app, or another directory with --data.", name, m.flags.Data, is)
	case m.flags.JSON:
		return writeJSON(m.Stdout, struct {
			App     string `json:"app"`
			Zone    string `json:"zone"`
			Created bool   `json:"created"`
		}{name, is, created})
	case created:
		m.say("Made app %q in %s; its days are those of %s.", name, m.flags.Data, is)
	default:
		m.say("App %q is in %s already; its days are those of %s.", name, m.flags.Data, is)
	}
	return nil
}

// onlyOnDirectory refuses --server for a command that works on a directory.
func (m *Main) onlyOnDirectory(command string) error {
	if m.flags.Server != "" {
		return usageError("%s works on a directory: leave out --server, or WHOWHEN_SERVER, or give --data DIR.", command)
	}
	return nil
}
