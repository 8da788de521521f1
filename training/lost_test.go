package training

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestLostPopulations checks what is made of ordinals whose CID is gone: an estimate for each cut-off, a warning above one in a hundred, and a refusal that
// names the cut-off above what is allowed.
func TestLostPopulations(t *testing.T) {
	l := newLosses(2)
	l.block(1000, 900, []int{300, 900}) // a third of those left came before the first cut-off
	l.block(1000, 0, []int{0, 0})       // nobody is left: they came at about the time of the next
	l.block(1000, 1000, []int{0, 500})  // half of them before the second
	l.block(500, 500, []int{0, 0})      // after both
	if known, lost := l.known, l.lost(); !slices.Equal(known, []int{300, 1400}) || !slices.Equal(lost, []int{33, 600}) {
		t.Fatalf("known %v, lost %v", known, lost)
	}
	populations := func() []*population { return []*population{{day: 19000}, {day: 19030}} }
	check := func(most float64) (*job, []*population, error) {
		j, p := &job{options: Options{MostLost: most}}, populations()
		return j, p, j.refuseLost(p, l)
	}
	j, p, err := check(0.31)
	if err != nil || p[0].lost != 33 || p[1].lost != 600 || len(j.warnings) != 2 || !strings.Contains(j.warnings[1], p[1].day.String()) {
		t.Errorf("%v, %v", err, j.warnings)
	}
	_, _, err = check(0.25)
	refused := new(PopulationError)
	if !errors.As(err, &refused) || refused.Cutoff != 19030 || refused.Lost != 600 || refused.Known != 1400 || !strings.Contains(err.Error(), refused.Cutoff.String()) {
		t.Errorf("%v", err)
	}
	nobody := newLosses(2)
	nobody.block(1000, 1000, []int{500, 1000})
	j = &job{}
	if err := j.refuseLost(populations(), nobody); err != nil || len(j.warnings) > 0 {
		t.Errorf("where nobody is gone: %v, %v", err, j.warnings)
	}
}
