package features

import (
	"errors"
	"fmt"

	"whowhen.dev/whowhen/segments"
)

func newFact(v *segments.View, at int, c Column, levels []string) (fact, error) {
	f := fact{column: at, Column: c, kind: v.AttributeType(c.Name), others: float32(len(levels))}
	switch {
	case f.kind == "list":
		return f, errors.New("the attribute has lists, which make no column")
	case f.kind == "string" && levels == nil:
		return f, errors.New("the attribute has strings, and no levels to tell apart are given")
	case f.kind != "string" && f.kind != "" && levels != nil:
		return f, fmt.Errorf("levels are given, and the attribute is of type %s", f.kind)
	}
	for i, text := range levels {
		code, found := v.AttributeCode(c.Name, text)
		if !found {
			continue
		}
		for int64(len(f.levels)) <= code {
			f.levels = append(f.levels, f.others)
		}
		f.levels[code] = float32(i)
	}
	return f, nil
}

// tell makes the column of a fact.
func (x *Extractor) tell(f *fact) error {
	to := x.columns[f.column]
	if f.Family == Tag {
		var bearers segments.Words
		if err := x.reader.Tag(f.Name, &bearers); err != nil {
			return err
		}
		for row, who := range x.ordinals {
			to[row] = float32(bearers[who>>6] >> (who & 63) & 1)
		}
		return nil
	}
	for row := range to {
		to[row] = missing
	}
	row, today := 0, x.source.view.Day()
	// set is called with ascending ordinals.
	set := func(who uint16, n float32) {
		for row < len(x.ordinals) && x.ordinals[row] < who {
			row++
		}
		if row < len(x.ordinals) && x.ordinals[row] == who {
			to[row] = n
		}
	}
	switch {
	case f.Family == Tenure:
		return x.reader.HeardDays(x.few(), func(who uint16, day int32) { set(who, float32(today-day)) })
	case f.kind == "string":
		return x.reader.AttributeCodes(f.Name, x.few(), func(who uint16, code int64) {
			level := f.others
			if code < int64(len(f.levels)) {
				level = f.levels[code]
			}
			set(who, level)
		})
	case f.kind == "time":
		return x.reader.AttributeNumbers(f.Name, x.few(), func(who uint16, day float64) { set(who, float32(float64(today)-day)) })
	}
	return x.reader.AttributeNumbers(f.Name, x.few(), func(who uint16, n float64) { set(who, float32(n)) })
}
