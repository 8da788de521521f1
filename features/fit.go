package features

import (
	"context"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/value"
)

// Misfit is a column that an app cannot serve.
type Misfit struct {
	Column Column
	Why    string
}

// Misfits returns the columns that do not fit what an app knows: those of an event, property, tag or attribute that it never had, and
// those of an attribute of another type than the levels say.
func Misfits(v *segments.View, columns []Column, levels Levels) (found []Misfit) {
	for _, c := range columns {
		if why := misfit(v, c, levels[c]); why != "" {
			found = append(found, Misfit{c, why})
		}
	}
	return found
}

func misfit(v *segments.View, c Column, levels []string) string {
	if err := c.Check(); err != nil {
		return err.Error()
	}
	switch {
	case c.Family == Tenure:
		return ""
	case c.Family == Tag && !v.KnowsTag(c.Name):
		return fmt.Sprintf("the app has no tag %s", value.Quote(c.Name))
	case c.Family == Attribute && v.AttributeType(c.Name) == "":
		return fmt.Sprintf("the app has no attribute %s", value.Quote(c.Name))
	case c.Family == Attribute:
		if _, err := newFact(v, 0, c, levels); err != nil {
			return err.Error()
		}
	case c.Family == Tag:
	case c.Anything && len(behaviours(v)) == 0:
		return "the app has no event but those about messages"
	case c.Anything:
	case !v.KnowsEvent(c.Name):
		return fmt.Sprintf("the app has no event %s", value.Quote(c.Name))
	case c.Family == Rate && !v.KnowsEvent(c.Per):
		return fmt.Sprintf("the app has no event %s", value.Quote(c.Per))
	case c.ofProperty() && !v.KnowsProperty(c.Name, c.Property):
		return fmt.Sprintf("the event %s has no property %s", value.Quote(c.Name), value.Quote(c.Property))
	}
	return ""
}

// Level is a string that an attribute has, and how many of the CIDs asked about have it.
type Level struct {
	Text string
	CIDs int
}

// CountLevels returns the strings that those for whom an expression holds have as an attribute, the more frequent ones first, of equal ones
// the lesser text; at most limit of them, and how many have others.
func CountLevels(ctx context.Context, v *segments.View, attribute string, who expr.Node, limit int) (levels []Level, others int, err error) {
	members, err := v.Members(ctx, who)
	if err != nil {
		return nil, 0, err
	}
	defer members.Close()
	r := v.BlockReader(ctx)
	defer r.Close()
	counts := map[int64]int{}
	var words segments.Words
	for block := range v.Blocks() {
		if err := members.At(block, &words); err != nil {
			return nil, 0, err
		}
		if _, err := r.GoTo(block); err != nil {
			return nil, 0, err
		}
		err := r.AttributeCodes(attribute, nil, func(x uint16, code int64) {
			if words.Has(x) {
				counts[code]++
			}
		})
		if err != nil {
			return nil, 0, err
		}
	}
	for code, n := range counts {
		levels = append(levels, Level{v.AttributeText(attribute, code), n})
	}
	slices.SortFunc(levels, func(a, b Level) int {
		if a.CIDs != b.CIDs {
			return b.CIDs - a.CIDs
		}
		if a.Text < b.Text {
			return -1
		}
		return 1
	})
	for _, l := range levels[min(limit, len(levels)):] {
		others += l.CIDs
	}
	return levels[:min(limit, len(levels))], others, nil
}
