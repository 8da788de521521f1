package sendtime

import (
	"fmt"
	"math"
	"strings"
)

// picture is a chart as the template draws it, in the units of its view box.
type picture struct {
	Title, Note, Axes string
	Wide              bool
	Keys              []key
	W, H              float64
	Lines             []line
	Texts             []text
	Rects             []rect
	Paths             []path
	Dots              []dot
}

type (
	key  struct{ Class, Text string }
	line struct {
		X1, Y1, X2, Y2 float64
		Class          string
	}
	text struct {
		X, Y         float64
		Anchor, Text string
	}
	rect struct {
		X, Y, W, H, Opacity float64
		Class, Title        string
	}
	path struct{ D, Class string }
	dot  struct {
		X, Y         float64
		Class, Title string
	}
)

// plane lays data from x0 to x1 and from 0 to top onto a picture.
type plane struct {
	*picture
	x0, x1, top float64
}

const marginLeft, marginRight, marginTop, marginDown = 40.0, 12.0, 10.0, 36.0

func newPlane(p picture, w, h, x0, x1, top float64) plane {
	p.W, p.H = w, h
	return plane{&p, x0, x1, top}
}

func (p plane) x(v float64) float64 {
	return tenth(marginLeft + (v-p.x0)/(p.x1-p.x0)*(p.W-marginLeft-marginRight))
}

func (p plane) y(v float64) float64 {
	return tenth(p.H - marginDown - v/p.top*(p.H-marginTop-marginDown))
}

// ticks draws the grid: marks across and up, with their words.
func (p plane) ticks(across, up []float64, xText, yText func(float64) string) {
	for _, v := range across {
		p.Texts = append(p.Texts, text{p.x(v), p.y(0) + 14, "middle", xText(v)})
	}
	for _, v := range up {
		p.Lines = append(p.Lines, line{p.x(p.x0), p.y(v), p.x(p.x1), p.y(v), "grid"})
		p.Texts = append(p.Texts, text{p.x(p.x0) - 5, p.y(v) + 3.5, "end", yText(v)})
	}
}

func (p plane) curve(class string, xs, ys []float64) {
	var b strings.Builder
	for i := range xs {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%g %g", command, p.x(xs[i]), p.y(ys[i]))
	}
	p.Paths = append(p.Paths, path{b.String(), class})
}

func (p plane) dot(class, title string, x, y float64) {
	p.Dots = append(p.Dots, dot{p.x(x), p.y(y), class, title})
}

func (p plane) segment(class string, x1, y1, x2, y2 float64) {
	p.Lines = append(p.Lines, line{p.x(x1), p.y(y1), p.x(x2), p.y(y2), class})
}

func (p plane) bar(class, title string, x1, x2, y float64) {
	p.Rects = append(p.Rects, rect{p.x(x1), p.y(y), tenth(p.x(x2) - p.x(x1)), tenth(p.y(0) - p.y(y)), 1, class, title})
}

// roundSteps returns about n round values from 0 to top.
func roundSteps(top float64, n int) (steps []float64) {
	unit := math.Pow(10, math.Floor(math.Log10(top/float64(n))))
	step := unit * 10
	for _, m := range []float64{1, 2, 2.5, 5} {
		if top/(unit*m) <= float64(n)+0.001 {
			step = unit * m
			break
		}
	}
	for v := 0.0; v <= top*1.0001; v += step {
		steps = append(steps, v)
	}
	return steps
}

func percent(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*v), ".0") + " %"
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// clock is an hour as 07.
func clock(v float64) string { return fmt.Sprintf("%02.0f", v) }

// count is a number with its thousands apart.
func count(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f") // a narrow blank that does not break
		}
		b.WriteRune(d)
	}
	return b.String()
}
