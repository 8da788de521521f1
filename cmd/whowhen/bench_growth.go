package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"os"
	"slices"
	"strings"
)

// growth draws how the medians of runs that were written with --json grow with the number of CIDs, both on logarithmic scales.
func (c *benchCmd) growth() error {
	if c.SVG == "" {
		return usageError("--draw makes a picture: name its file with --svg.")
	}
	lines := map[string][]growthPoint{}
	machines := map[string]bool{}
	for _, file := range c.Draw {
		text, err := os.ReadFile(file)
		if err != nil {
			return failure("%s cannot be read: %v.", file, err)
		}
		var report benchReport
		if err := json.Unmarshal(text, &report); err != nil {
			return failure("%s is not what bench --json writes: %v.", file, err)
		}
		machines[report.Machine] = true
		for _, f := range report.Figures {
			if f.P50US > 0 && f.CIDs > 0 && f.PerSecond == 0 {
				lines[f.Name] = append(lines[f.Name], growthPoint{float64(f.CIDs), f.P50US})
			}
		}
	}
	if len(machines) > 1 {
		return failure("the files are of %d machines, which cannot be compared.", len(machines))
	}
	machine := ""
	for m := range machines {
		machine = m
	}
	picture, err := drawGrowth(machine, lines)
	if err == nil {
		err = os.WriteFile(c.SVG, picture, 0o644)
	}
	return err
}

// growthPoint is the median of a figure with so many CIDs.
type growthPoint struct{ cids, micros float64 }

type growthPicture struct {
	Width, Height            float64
	Left, Right, Top, Bottom float64
	Machine                  string
	Across, Up               []svgText // grid, by X and by Y
	Lines                    []growthLine
}

type growthLine struct {
	Path  string
	Dots  []svgText
	Hue   int
	Label svgText
}

// drawGrowth draws a line for each figure with two sizes at least.
func drawGrowth(machine string, lines map[string][]growthPoint) ([]byte, error) {
	p := growthPicture{Width: 900, Height: 620, Left: 90, Right: 640, Top: 80, Bottom: 560, Machine: machine}
	var names []string
	var sizes, micros []float64
	for name, points := range lines {
		slices.SortFunc(points, func(a, b growthPoint) int { return cmp.Compare(a.cids, b.cids) })
		if len(points) < 2 || points[0].cids == points[len(points)-1].cids {
			continue
		}
		names = append(names, name)
		for _, q := range points {
			sizes, micros = append(sizes, q.cids), append(micros, q.micros)
		}
	}
	if len(names) == 0 {
		return nil, failure("no figure is in the files with two numbers of CIDs.")
	}
	across, up := newSVGScale(sizes), newSVGScale(micros)
	x := func(v float64) float64 { return p.Left + (p.Right-p.Left)*across.part(v) }
	y := func(v float64) float64 { return p.Bottom - (p.Bottom-p.Top)*up.part(v) }
	for e := across.low; e <= across.high; e++ {
		p.Across = append(p.Across, svgText{X: x(math.Pow(10, e)), Y: p.Bottom + 20, Text: rateText(math.Pow(10, e))})
	}
	for e := up.low; e <= up.high; e++ {
		p.Up = append(p.Up, svgText{X: p.Left - 10, Y: y(math.Pow(10, e)), Text: durationText(math.Pow(10, e))})
	}
	end := func(name string) growthPoint { return lines[name][len(lines[name])-1] }
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(end(b).micros, end(a).micros), strings.Compare(a, b)) })
	const labelHeight = 17
	lowest := p.Top
	for i, name := range names {
		line := growthLine{Hue: 360 * i / len(names)}
		var path []string
		for _, q := range lines[name] {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(q.cids), y(q.micros)))
			line.Dots = append(line.Dots, svgText{X: x(q.cids), Y: y(q.micros)})
		}
		line.Path = strings.Join(path, " ")
		// Labels keep a distance from each other, whatever their lines do.
		line.Label = svgText{X: p.Right + 16, Y: max(y(end(name).micros)+4, lowest), Text: name + ", " + durationText(end(name).micros)}
		lowest = line.Label.Y + labelHeight
		p.Lines = append(p.Lines, line)
	}
	p.Height = max(p.Height, lowest+20)
	var out bytes.Buffer
	if err := growthTemplate().Execute(&out, p); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// part returns where a value lies on the scale, from 0 to 1.
func (s svgScale) part(v float64) float64 { return (math.Log10(v) - s.low) / (s.high - s.low) }

func growthTemplate() *template.Template {
	return template.Must(template.New("growth").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" font-family="system-ui, sans-serif" font-size="12">
<rect fill="#fff" width="{{.Width}}" height="{{.Height}}"/>
<text x="24" y="28" font-size="18" font-weight="600">Median time by number of CIDs</text>
<text x="24" y="48" fill="#666">{{.Machine}}</text>
{{$p := .}}{{range .Across}}<line stroke="#ddd" x1="{{.X}}" x2="{{.X}}" y1="{{$p.Top}}" y2="{{$p.Bottom}}"/><text fill="#666" x="{{.X}}" y="{{.Y}}" text-anchor="middle">{{.Text}}</text>
{{end}}{{range .Up}}<line stroke="#ddd" x1="{{$p.Left}}" x2="{{$p.Right}}" y1="{{.Y}}" y2="{{.Y}}"/><text fill="#666" x="{{.X}}" y="{{.Y}}" dy="4" text-anchor="end">{{.Text}}</text>
{{end}}{{range .Lines}}<polyline fill="none" stroke-width="2" stroke="hsl({{.Hue}},60%,42%)" points="{{.Path}}"/>
{{$hue := .Hue}}{{range .Dots}}<circle r="3" fill="hsl({{$hue}},60%,42%)" cx="{{.X}}" cy="{{.Y}}"/>{{end}}
<text x="{{.Label.X}}" y="{{.Label.Y}}" fill="hsl({{.Hue}},60%,30%)">{{.Label.Text}}</text>
{{end}}</svg>
`))
}
