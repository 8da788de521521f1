package sendtime

// mostCountries bounds the countries of a model.
const mostCountries = 1000

// check says what makes a model unusable: a part that is missing, of another size, not finite, or no probability.
func (m *Model) check() error {
	if m.Curves == nil {
		return refuse("its model has no curves")
	}
	if err := m.Curves.check(); err != nil {
		return err
	}
	if !(m.MeanHours > 0 && m.MeanHours <= Hours) {
		return refuse("its model has %v active hours a day", m.MeanHours)
	}
	for _, head := range []*Head{&m.Near, &m.Ahead} {
		if len(head.Base) != columns+1 || len(head.Kernel) != 0 && len(head.Kernel) != Hours {
			return refuse("its model has %d and %d coefficients of hours", len(head.Base), len(head.Kernel))
		}
		for _, k := range append([][]float64{head.Base}, head.Kernel...) {
			if !moderate(k) {
				return refuse("its model has coefficients out of range")
			}
		}
		for _, k := range head.Kernel {
			if len(k) != kernelInputs+1 {
				return refuse("its model has %d coefficients of an hour's kernel", len(k))
			}
		}
	}
	if len(m.Day.Base) != dayColumns+1 || !moderate(m.Day.Base) || !(m.Day.MeanActive > 0 && m.Day.MeanActive < 1) {
		return refuse("its model of days is out of range")
	}
	for _, w := range m.Window {
		if !(w > 0 && w <= 10) {
			return refuse("its model has the weight %v of a window", w)
		}
	}
	for h, v := range m.Delay {
		if !(v >= 0 && v <= 1) || h > 0 && v > m.Delay[h-1] {
			return refuse("the delays of its model do not fall from 1 to 0")
		}
	}
	if m.Click != nil {
		return m.Click.check()
	}
	return nil
}

// moderate says whether log-odds made of coefficients can be relied on to be numbers.
func moderate(coefficients []float64) bool {
	for _, c := range coefficients {
		if !(c >= -1e6 && c <= 1e6) {
			return false
		}
	}
	return true
}

func (c *Curves) check() error {
	if len(c.Zone) != zones || len(c.ZoneCIDs) != zones {
		return refuse("it has curves of %d zones instead of %d", len(c.Zone), zones)
	}
	if n := len(c.Countries); n > mostCountries || len(c.Country) != n || len(c.CountryCIDs) != n {
		return refuse("it has %d countries with %d curves; at most %d are taken", n, len(c.Country), mostCountries)
	}
	counts := append(append([]float64{c.CIDs}, c.ZoneCIDs...), c.CountryCIDs...)
	for _, n := range counts {
		if !(n >= 0) || !finite(n) {
			return refuse("a curve is of %v CIDs", n)
		}
	}
	for _, curve := range append(append([]Curve{c.Everyone}, c.Zone...), c.Country...) {
		for class := range curve {
			for _, p := range curve[class] {
				if !(p >= 0 && p <= 1) {
					return refuse("a curve has the probability %v", p)
				}
			}
		}
	}
	return nil
}
