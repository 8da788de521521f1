package main

import (
	"context"
	"os"
	"regexp"
	"strconv"

	"whowhen.dev/whowhen/features/propensity"
	"whowhen.dev/whowhen/training"
)

type trainCmd struct {
	Propensity trainPropensityCmd `cmd:"" help:"Train who will do what a definition says."`
	Churn      trainChurnCmd      `cmd:"" help:"Train who, of those that did an event lately, will not do it again soon."`
	SendTime   trainSendTimeCmd   `cmd:"" help:"Train in which hours of its own day each CID is active."`
	Pay        trainPayCmd        `cmd:"" help:"Train who will do an event, such as a purchase, soon."`
}

func (trainCmd) Help() string {
	return `
Trains a model from what the store holds, judges it by days that came later, and writes it as
the newest version of its name, with a report in HTML. Nothing else changes: "whowhen models
activate" decides what score("NAME") means in expressions.

Examples:

  whowhen train churn --event open
  whowhen train pay --event purchase --horizon 14d
`
}

// trainFlags are those of every training.
type trainFlags struct {
	TrainCutoff     []string   `placeholder:"DAY" help:"Train at this day: what happened before it is known. With one, earlier days are added as far as there is data; with several, exactly these are taken. Default: chosen from the data."`
	TestCutoff      []string   `placeholder:"DAY" help:"Judge at this day, which is later. Default: the last day whose horizon has ended."`
	StaticTag       []string   `placeholder:"TAG" help:"A tag that does not change in time, or not because of the target, so that it may be a column."`
	StaticAttribute []string   `placeholder:"NAME" help:"The same for an attribute."`
	Amount          []string   `placeholder:"EVENT.PROPERTY" help:"A number whose sum means something. Numbers that are not named are told by their look."`
	NotAmount       []string   `placeholder:"EVENT.PROPERTY" help:"A number whose sum means nothing, such as an id."`
	Penalty         weightFlag `placeholder:"P" help:"Weight of the L2 penalty. Default: chosen on days before the test."`
	MaxRows         countFlag  `placeholder:"N" help:"Train on at most so many rows, a sample by CID. Default 1,000,000."`
	MaxColumns      countFlag  `placeholder:"N" help:"Offer the model at most so many columns. The events of the definition keep theirs, even if they are more."`
	MaxLost         weightFlag `placeholder:"SHARE" help:"Refuse a cut-off whose population has lost more than this, to erasure for one. Default 0.05."`
	Seed            uint64     `default:"1" placeholder:"N" help:"Chooses the sample. The same seed on the same data gives the same model. Default 1."`
	Snapshot        string     `type:"path" placeholder:"FILE" help:"Read this snapshot of the app instead of the store."`
	Pool            countFlag  `placeholder:"N" help:"Train on at most so many days when they are chosen. Default 8."`
}

type trainPropensityCmd struct {
	Name       string `placeholder:"NAME" help:"Name of the model: 1 to 64 of a-z, 0-9, - and _."`
	Eligible   string `placeholder:"EXPR" help:"Who is asked about, as of the day before a cut-off."`
	Target     string `placeholder:"EXPR" help:"What is predicted: behaviour without windows, which is meant over the horizon."`
	Horizon    string `placeholder:"DAYS" help:"How far ahead, such as 30d."`
	Definition string `type:"path" placeholder:"FILE" help:"Read all of it from a TOML file, with the keys name, eligible, target, horizon_days, static_tags, static_attributes, amounts, not_amounts and penalty."`
	trainFlags
}

func (trainPropensityCmd) Help() string {
	return `
A cut-off is a day in the past: what happened before it is known, and what happens in the
horizon from that day on is to be predicted. The model is trained at earlier cut-offs and
judged at later ones.

Examples:

  whowhen train propensity --name churn --eligible 'did("open", within 30d)' \
    --target 'not did("open")' --horizon 30d
  whowhen train propensity --definition models/pay.toml
  whowhen train propensity --name pay --eligible 'did("purchase")' --target 'did("purchase")' \
    --horizon 90d --train-cutoff 2011-06-01 --test-cutoff 2011-09-01 --json
`
}

func (c *trainPropensityCmd) Run(ctx context.Context, m *Main) error {
	d := propensity.Definition{Name: c.Name, Eligible: c.Eligible, Target: c.Target}
	if c.Definition != "" {
		if c.Name != "" || c.Eligible != "" || c.Target != "" || c.Horizon != "" {
			return usageError("--definition has name, eligible, target and horizon in the file: leave out the flags.")
		}
		text, err := os.ReadFile(c.Definition)
		if err != nil {
			return failure("the definition cannot be read: %v.", err)
		}
		if d, err = propensity.ReadDefinition(text); err != nil {
			return usageError("%s: %v", c.Definition, err)
		}
		return c.train(ctx, m, d)
	}
	for _, flag := range []struct{ name, value string }{{"name", c.Name}, {"eligible", c.Eligible}, {"target", c.Target}, {"horizon", c.Horizon}} {
		if flag.value == "" {
			return usageError("--%s is missing: a definition has --name, --eligible, --target and --horizon, or is in a file, --definition FILE.", flag.name)
		}
	}
	var err error
	if d.HorizonDays, err = parseDays("--horizon", c.Horizon); err != nil {
		return err
	}
	return c.train(ctx, m, d)
}

type trainChurnCmd struct {
	Event   string `required:"" placeholder:"EVENT" help:"What they did, and will not do again."`
	Horizon string `default:"30d" placeholder:"DAYS" help:"How long they stay away, and how lately they were there. Default 30d."`
	Name    string `default:"churn" placeholder:"NAME" help:"Name of the model. Default churn."`
	trainFlags
}

func (c *trainChurnCmd) Run(ctx context.Context, m *Main) error {
	days, err := parseDays("--horizon", c.Horizon)
	if err != nil {
		return err
	}
	d := propensity.Churn(c.Event, days)
	d.Name = c.Name
	return c.train(ctx, m, d)
}

type trainPayCmd struct {
	Event   string `required:"" placeholder:"EVENT" help:"What they will do, such as purchase."`
	Horizon string `default:"30d" placeholder:"DAYS" help:"How far ahead. Default 30d."`
	Name    string `default:"pay" placeholder:"NAME" help:"Name of the model. Default pay."`
	trainFlags
}

func (c *trainPayCmd) Run(ctx context.Context, m *Main) error {
	days, err := parseDays("--horizon", c.Horizon)
	if err != nil {
		return err
	}
	d := propensity.Pay(c.Event, days)
	d.Name = c.Name
	return c.train(ctx, m, d)
}

// options adds what the flags say to a definition, and returns how to train it.
func (f *trainFlags) options(d *propensity.Definition) (training.Options, error) {
	d.StaticTags, d.StaticAttributes = append(d.StaticTags, f.StaticTag...), append(d.StaticAttributes, f.StaticAttribute...)
	d.Amounts, d.NotAmounts = append(d.Amounts, f.Amount...), append(d.NotAmounts, f.NotAmount...)
	if f.Penalty < 0 {
		return training.Options{}, usageError("--penalty takes a number above 0, not %v; without it the penalty is chosen on days before the test.", f.Penalty)
	}
	if f.Penalty != 0 {
		d.Penalty = float64(f.Penalty)
	}
	o := training.Options{MostRows: int(f.MaxRows), MostColumns: int(f.MaxColumns), MostLost: float64(f.MaxLost), Seed: f.Seed}
	o.Cutoffs.Pool = int(f.Pool)
	if f.MaxRows < 0 || f.MaxColumns < 0 || f.MaxLost < 0 || f.MaxLost >= 1 || f.Pool < 0 {
		return o, usageError("--max-rows, --max-columns and --pool take numbers above 0, --max-lost a share below 1.")
	}
	for _, list := range []struct {
		flag string
		from []string
		to   *[]propensity.Day
	}{{"--train-cutoff", f.TrainCutoff, &o.Cutoffs.Train}, {"--test-cutoff", f.TestCutoff, &o.Cutoffs.Test}} {
		for _, text := range list.from {
			day, err := propensity.ParseDay(text)
			if err != nil {
				return o, usageError("%s takes a day such as 2026-01-31, not %s.", list.flag, strconv.Quote(text))
			}
			*list.to = append(*list.to, day)
		}
	}
	if err := d.Check(); err != nil {
		return o, usageError("%v", err)
	}
	return o, nil
}

var daysShape = regexp.MustCompile(`^([0-9]{1,6})d?$`)

// parseDays reads a number of days, such as 30d.
func parseDays(flag, text string) (int, error) {
	if found := daysShape.FindStringSubmatch(text); found != nil {
		return strconv.Atoi(found[1])
	}
	return 0, usageError("%s takes days, such as 30d, not %s.", flag, strconv.Quote(text))
}
