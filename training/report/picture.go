package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// picture is a chart as the template draws it, in the units of its view box.
type picture struct {
	Title, Note, Alt string
	Keys             []key
	W, H             float64
	XLabel, YLabel   string
	LabelX, LabelY   float64 // where XLabel stands
	Grid             []line
	Ticks            []label
	Shapes           []rect
	Paths            []path
	Lines            []line
	Dots             []dot
}

// key is an entry of a chart's legend.
type key struct{ Class, Text string }

type line struct {
	X1, Y1, X2, Y2 float64
	Class          string
}

type rect struct {
	X, Y, W, H   float64
	Class, Title string
}

type path struct{ D, Class string }

type dot struct {
	X, Y, R      float64
	Class, Title string
}

type label struct {
	X, Y   float64
	Anchor string
	Text   string
}

const (
	pictureW, pictureH                             = 360.0, 250.0
	marginLeft, marginRight, marginTop, marginDown = 44.0, 14.0, 10.0, 40.0
)

// plane lays data onto a picture.
type plane struct {
	*picture
	x0, x1, y0, y1 float64
}

// newPlane returns an empty chart of the data from x0 to x1 and y0 to y1 with ticks.
func newPlane(p picture, x0, x1, y0, y1 float64, xs, ys []float64, xText, yText func(float64) string) *plane {
	p.W, p.H = pictureW, pictureH
	p.LabelX, p.LabelY = marginLeft+(pictureW-marginLeft-marginRight)/2, pictureH-6
	c := &plane{&p, x0, x1, y0, y1}
	for _, v := range xs {
		x := c.x(v)
		p.Grid = append(p.Grid, line{x, c.y(y0), x, c.y(y1), "grid"})
		p.Ticks = append(p.Ticks, label{x, c.y(y0) + 14, "middle", xText(v)})
	}
	for _, v := range ys {
		y := c.y(v)
		p.Grid = append(p.Grid, line{c.x(x0), y, c.x(x1), y, "grid"})
		p.Ticks = append(p.Ticks, label{c.x(x0) - 5, y + 3.5, "end", yText(v)})
	}
	return c
}

func (c *plane) x(v float64) float64 {
	return round1(marginLeft + (v-c.x0)/(c.x1-c.x0)*(pictureW-marginLeft-marginRight))
}

func (c *plane) y(v float64) float64 {
	return round1(pictureH - marginDown - (v-c.y0)/(c.y1-c.y0)*(pictureH-marginTop-marginDown))
}

func (c *plane) line(class string, x1, y1, x2, y2 float64) {
	c.Lines = append(c.Lines, line{c.x(x1), c.y(y1), c.x(x2), c.y(y2), class})
}

func (c *plane) dot(class, title string, x, y float64) {
	c.Dots = append(c.Dots, dot{c.x(x), c.y(y), 3.5, class, title})
}

func (c *plane) bar(class, title string, x1, x2, y float64) {
	left, right, top := c.x(x1), c.x(x2), c.y(y)
	c.Shapes = append(c.Shapes, rect{left, top, round1(right - left), round1(c.y(c.y0) - top), class, title})
}

// curve draws a line through points.
func (c *plane) curve(class string, points [][2]float64) {
	var b strings.Builder
	for i, p := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%g %g", command, c.x(p[0]), c.y(p[1]))
	}
	c.Paths = append(c.Paths, path{b.String(), class})
}

// area fills between steps and the bottom.
func (c *plane) area(class string, points [][2]float64) {
	if len(points) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%g %g", c.x(points[0][0]), c.y(c.y0))
	for _, p := range points {
		fmt.Fprintf(&b, "L%g %g", c.x(p[0]), c.y(p[1]))
	}
	fmt.Fprintf(&b, "L%g %gZ", c.x(points[len(points)-1][0]), c.y(c.y0))
	c.Paths = append(c.Paths, path{b.String(), class})
}

// ticks returns about n round values from 0 to at least top, and the last of them.
func ticks(top float64, n int) ([]float64, float64) {
	if !(top > 0) || math.IsInf(top, 0) {
		top = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(top/float64(n))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if top/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	values := []float64{0}
	for v := step; ; v += step {
		values = append(values, v)
		if v >= top*(1-1e-9) {
			return values, v
		}
	}
}

func quarters() []float64 { return []float64{0, 0.25, 0.5, 0.75, 1} }

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// plain is a mark of an axis with all its digits, but for those that adding up steps has left.
func plain(v float64) string { return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64) }

func round1(v float64) float64 { return math.Round(v*10) / 10 }

// count is a number with its thousands apart.
func count(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && digits[i-1] != '-' && (len(digits)-i)%3 == 0 {
			b.WriteString("\u202f") // a narrow blank that does not break
		}
		b.WriteRune(d)
	}
	return b.String()
}
