package training

import (
	"context"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/features"
	"whowhen.dev/whowhen/models"
	"whowhen.dev/whowhen/segments"
)

const (
	// rowsPerColumn is how many rows of the rarer outcome, at the newest cut-off, there are to be for each column: with fewer, columns learn
	// more of chance than of the world.
	rowsPerColumn = 25
	fewestColumns = 30
	// mostRecencies is of how many events without room there is the recency.
	mostRecencies = 30
)

// mostColumns is how many columns there is data for.
func (j *job) mostColumns(newest *population) int {
	if j.options.MostColumns > 0 {
		return j.options.MostColumns
	}
	rarer := min(newest.keptPositives, newest.kept-newest.keptPositives)
	return min(max(rarer/rowsPerColumn, fewestColumns), features.DefaultMostColumns)
}

// plan chooses the columns by what was known at the newest cut-off trained on: what happened later has no part in it.
func (j *job) plan(ctx context.Context, newest *population) (frame, error) {
	o := features.Options{First: j.question.Events(), HorizonDays: j.question.Definition.HorizonDays, Amounts: j.question.Definition.Amounts, Codes: j.question.Definition.NotAmounts, MostColumns: j.mostColumns(newest)}
	for _, name := range j.question.Definition.StaticTags {
		o.Static = append(o.Static, features.Column{Family: features.Tag, Name: name})
	}
	for _, name := range j.question.Definition.StaticAttributes {
		o.Static = append(o.Static, features.Column{Family: features.Attribute, Name: name})
	}
	o.MostColumns += len(o.Static)
	o.Bound = models.MaxColumns
	o.FewSums = o.MostColumns < features.DefaultMostColumns
	if j.options.MostColumns == 0 {
		o.Recencies = mostRecencies
	}
	plan, err := features.Choose(j.catalog, o)
	if err != nil {
		return frame{}, err
	}
	for _, l := range plan.LeftOut {
		j.leftOut = append(j.leftOut, l.What+": "+l.Why)
	}
	for _, p := range plan.Properties {
		if p.Amount {
			j.notes = append(j.notes, fmt.Sprintf("%s.%s is taken for an amount: %s", p.Event, p.Name, p.Why))
		}
	}
	for _, c := range plan.Columns {
		if c.Family == features.Popularity {
			j.notes = append(j.notes, fmt.Sprintf("%s.%s is taken for what people take, and its popularity is a column: others have most of its values as well", c.Name, c.Property))
		}
	}
	few := fmt.Sprintf("there is data for %d columns only", o.MostColumns)
	if j.options.MostColumns > 0 {
		few = fmt.Sprintf("%d columns are wanted", o.MostColumns)
	}
	if plan.Recencies > 0 {
		j.notes = append(j.notes, fmt.Sprintf("%s; of %s that there is no room for the recency is one all the same", few, countWords(plan.Recencies, "event")))
	}
	if len(plan.Columns)-plan.Recencies > o.MostColumns {
		j.notes = append(j.notes, fmt.Sprintf("%s, and there are %d: the events that the definition names keep theirs", few, len(plan.Columns)-plan.Recencies))
	}
	if o.FewSums {
		before := len(plan.Columns)
		plan.Columns = slices.DeleteFunc(plan.Columns, j.fine)
		if n := before - len(plan.Columns); n > 0 {
			j.leftOut = append(j.leftOut, fmt.Sprintf("%d columns of trends, of weekends and nights, and of windows below a quarter of the horizon: %s", n, few))
		}
	}
	f := frame{columns: plan.Columns, levels: features.Levels{}}
	return f, j.addLevels(ctx, f, newest.past)
}

// fine says whether a column is one to do without where there is data for few.
func (j *job) fine(c features.Column) bool {
	switch c.Family {
	case features.Trend, features.Weekend, features.Night:
		return true
	}
	return c.WindowDays > 0 && 4*c.WindowDays < j.question.Definition.HorizonDays
}

// mostLevels bounds the strings of an attribute that are told apart.
const mostLevels = 100

// addLevels gives each string attribute the most frequent values of those who are eligible.
func (j *job) addLevels(ctx context.Context, f frame, then *segments.View) error {
	for _, c := range f.columns {
		if c.Family != features.Attribute || then.AttributeType(c.Name) != "string" {
			continue
		}
		counted, others, err := features.CountLevels(ctx, then, c.Name, j.question.Eligible, mostLevels)
		if err != nil {
			return err
		}
		f.levels[c] = []string{}
		for _, l := range counted {
			f.levels[c] = append(f.levels[c], l.Text)
		}
		if others > 0 {
			j.leftOut = append(j.leftOut, fmt.Sprintf("values of %q beyond the %d most frequent, of %d CIDs: they count as one", c.Name, mostLevels, others))
		}
	}
	return nil
}
