package sendtime

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"whowhen.dev/whowhen/features/propensity"
	model "whowhen.dev/whowhen/models/sendtime"
)

// rowWriter writes predictions as CSV: cid, day, p00 to p23. Probabilities are written so that reading them gives the same numbers.
type rowWriter struct {
	csv   *csv.Writer
	cells []string
	begun bool
}

func newRowWriter(w io.Writer) *rowWriter {
	return &rowWriter{csv: csv.NewWriter(w), cells: make([]string, 2+model.Hours)}
}

func (w *rowWriter) write(cid string, predictions []prediction) error {
	if !w.begun {
		w.begun = true
		w.cells[0], w.cells[1] = "cid", "day"
		for h := range model.Hours {
			w.cells[2+h] = fmt.Sprintf("p%02d", h)
		}
		if err := w.csv.Write(w.cells); err != nil {
			return err
		}
	}
	for i := range predictions {
		p := &predictions[i]
		w.cells[0], w.cells[1] = cid, propensity.Day(p.day).String()
		for h, v := range p.hour {
			w.cells[2+h] = strconv.FormatFloat(v, 'g', -1, 64)
		}
		if err := w.csv.Write(w.cells); err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) flush() error {
	w.csv.Flush()
	return w.csv.Error()
}
