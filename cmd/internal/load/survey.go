package load

import "fmt"

// survey is what the cells of a column look like.
type survey struct {
	class   class
	numbers sighting
	texts   sighting
}

// sighting counts cells of one class and keeps the first as an example.
type sighting struct {
	cells   uint64
	example string // clipped
	line    uint64
	file    string
}

func (s *sighting) see(c cell, line uint64, file string) {
	if s.cells == 0 {
		s.example, s.line, s.file = clip(c.text), line, file
	}
	s.cells++
}

// see takes a cell in.
func (s *survey) see(c cell, line uint64, file string) {
	seen := c.class()
	s.class |= seen
	switch seen {
	case classNumber:
		s.numbers.see(c, line, file)
	case classText:
		s.texts.see(c, line, file)
	}
}

// mixed says whether the cells alone would have had more than one type.
func (s *survey) mixed() bool { return s.class&(s.class-1) != 0 }

// warning says of a mixed column what it became, and shows the kind of cell that is rare.
func (s *survey) warning(name string) string {
	switch {
	case s.class&classList != 0:
		return fmt.Sprintf("column %q: lists and single values mixed, all taken as lists", name)
	case s.class&classText == 0:
		return fmt.Sprintf("column %q: numbers and true or false mixed, all taken as strings", name)
	case s.class&classNumber == 0:
		return fmt.Sprintf("column %q: true or false and text such as %q in line %d of %s mixed, all taken as strings", name, s.texts.example, s.texts.line, s.texts.file)
	}
	rare, what, other, advice := s.texts, "text", "numbers", "; --type would load the numbers as such and reject the others"
	if s.numbers.cells < s.texts.cells {
		rare, what, other, advice = s.numbers, "numbers", "text", ""
	}
	return fmt.Sprintf("column %q: numbers and text mixed, all taken as strings; %d of %d cells are %s, such as %q in line %d of %s, the others %s%s",
		name, rare.cells, s.texts.cells+s.numbers.cells, what, rare.example, rare.line, rare.file, other, advice)
}
