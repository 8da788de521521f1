package segments

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"whowhen.dev/whowhen/segments/expr"
	"whowhen.dev/whowhen/segments/internal/column"
	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/score"
	"whowhen.dev/whowhen/segments/value"
)

// ScoreStatus says what there is of the scores of a name: what is published, what is staged, or both.
type ScoreStatus struct {
	Name      string
	Published *PublishedScores // nil when expressions cannot ask for it yet
	Staged    *StagedScores    // nil when nothing is staged
}

// PublishedScores describes the scores that expressions see.
type PublishedScores struct {
	Generation uint64
	Version    string    // of the model
	AsOf       time.Time // the moment that the model was asked about
	Definition string    // hash of what the model predicts, or ""
	CIDs       uint64    // who has a score
}

// StagedScores describes a generation that is not published.
type StagedScores struct {
	Generation  uint64
	NextOrdinal uint64 // the first that no chunk has spoken of yet
	CIDs        uint64 // who has a score so far
}

// ScoreEvidence is the score of one CID.
type ScoreEvidence struct {
	Probability float64
	Version     string
	AsOf        time.Time
}

// CIDs returns how many CIDs the app knows, whenever they were first heard of: their ordinals are those below.
func (v *View) CIDs() int { return v.env.Version.CIDs }

// HiddenScore begins the names of scores that are no probabilities: 16 bits of whatever whoever computes them needs to look up by CID. Expressions
// do not know them, and Status does not list them.
const HiddenScore = "."

func hidden(name string) bool { return strings.HasPrefix(name, HiddenScore) }

// ScoreCodes writes the codes that CIDs have in the published scores of a name, and who has one. Ordinals in ascending order are read fastest. A
// name without published scores is an error with reason SCORE_UNKNOWN.
func (v *View) ScoreCodes(name string, ordinals []uint32, codes []uint16, there []bool) error {
	if _, found := v.env.Version.PublishedScore(name); !found {
		return unknownScore(name, nil, "name")
	}
	return v.env.ScoresAt(name, ordinals, codes, there)
}

// TextCodes writes the codes of the present values of a string attribute, which AttributeText tells, and who has one. An attribute that nobody
// has, or one of another type, nobody has.
func (v *View) TextCodes(attribute string, ordinals []uint32, codes []int64, there []bool) error {
	return v.env.TextsAt(attribute, ordinals, codes, there)
}

// ReadScoreCodes writes the codes that those of who have in the published scores of a name to their places, or their lower bytes where that is all there is room
// for, and makes there those of them who have one. The other places get something without meaning.
func ReadScoreCodes[T uint8 | uint16](r *BlockReader, name string, who *Words, codes *[BlockCIDs]T, there *Words) error {
	if _, found := r.view.env.Version.PublishedScore(name); !found {
		return unknownScore(name, nil, "name")
	}
	block, err := r.blocks.ScoreBlock(name)
	if err != nil {
		return err
	}
	column.ReadCodes(block, who, codes, 0, there)
	return nil
}

// Scores returns what there is of all scores, by name.
func (v *View) Scores() []ScoreStatus { return scoresOf(v.env.Version) }

func scoresOf(v *index.Version) []ScoreStatus {
	var list []ScoreStatus
	for _, s := range v.Scores() {
		status := ScoreStatus{Name: s.Name}
		if p := s.Published; p != nil {
			status.Published = &PublishedScores{Generation: p.Generation, Version: p.Version, AsOf: moment(p.AsOfMillis), Definition: p.Definition, CIDs: v.ScoreCount(s.PublishedColumn())}
		}
		if p := s.Staged; p != nil {
			status.Staged = &StagedScores{Generation: p.Generation, NextOrdinal: p.Next, CIDs: v.ScoreCount(s.StagedColumn())}
		}
		list = append(list, status)
	}
	slices.SortFunc(list, func(a, b ScoreStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Check says whether all that an expression must find is there: the scores that it names. Otherwise it returns an *Error with reason
// ScoreUnknown that names the nearest known one. What answers expressions checks them itself.
func (v *View) Check(n expr.Node) error {
	var err error
	expr.Walk(n, func(n expr.Node) {
		var name string
		switch n := n.(type) {
		case expr.Score:
			name = n.Name
		case expr.Top:
			name = n.Score
		default:
			return
		}
		if _, found := v.env.Version.PublishedScore(name); (!found || hidden(name)) && err == nil {
			err = unknownScore(name, scoreNames(v.env.Version, func(s *index.Score) bool { return s.Published != nil && !hidden(s.Name) }), "expression")
			if s := v.env.Version.Score(name); s != nil && !hidden(name) {
				err = &Error{Reason: ScoreUnknown, Field: "expression",
					Message: fmt.Sprintf("score %s is being made, and not published yet; ask again once it is", value.Quote(name))}
			}
		}
	})
	return err
}

// scoreNames returns the names of the scores that keep holds for, sorted.
func scoreNames(v *index.Version, keep func(*index.Score) bool) (names []string) {
	for _, s := range v.Scores() {
		if keep(s) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

func unknownScoreMessage(name string, known []string) string {
	const most = 10 // named
	known = slices.DeleteFunc(known, hidden)
	message := fmt.Sprintf("there is no score %s", value.Quote(name))
	nearest, found := expr.Nearest(name, known)
	switch {
	case found:
		return message + fmt.Sprintf("; did you mean %s?", value.Quote(nearest))
	case len(known) == 0:
		return message + "; there are none: no version of a model is active, or nobody has been scored by it yet"
	}
	quoted := make([]string, min(len(known), most))
	for i := range quoted {
		quoted[i] = value.Quote(known[i])
	}
	if len(known) > most {
		quoted = append(quoted, fmt.Sprintf("%d more", len(known)-most))
	}
	return message + "; known are " + strings.Join(quoted, ", ")
}

func (v *View) scoreEvidence(name string, ordinal uint32) (*Evidence, error) {
	code, there, err := v.env.Score(name, ordinal)
	if err != nil || !there {
		return &Evidence{Summary: "has no such score"}, err
	}
	probability, err := value.FromFloat(score.Probability(code))
	if err != nil {
		return nil, err
	}
	published := v.env.Version.Score(name).Published
	s := &ScoreEvidence{Probability: score.Probability(code), Version: published.Version, AsOf: moment(published.AsOfMillis)}
	return &Evidence{
		Summary: fmt.Sprintf("is %s, by version %s as of %s", strconv.FormatFloat(s.Probability, 'g', 6, 64), value.Quote(s.Version), v.wall(s.AsOf)),
		Value:   value.Num(probability),
		Score:   s,
	}, nil
}
