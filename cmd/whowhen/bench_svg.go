package main

import (
	"bytes"
	"fmt"
	"html/template"
	"math"

	"whowhen.dev/whowhen/segments/bench"
)

// The picture has a panel of times, ours beside the library's, and one of throughputs, both on logarithmic scales. It is one
// file that refers to nothing else.

const (
	svgWidth  = 1000
	svgLeft   = 310 // of the scales
	svgRight  = 870
	svgBar    = 13
	svgRow    = 40
	svgPanel  = 64 // above the rows of a panel
	svgBottom = 28
)

type svgPicture struct {
	Width, Height float64
	Machine       string
	Panels        []svgPanelView
	Lines         []svgText // below the panels
}

type svgPanelView struct {
	Title       string
	TitleY      float64
	Top, Bottom float64
	Ticks       []svgText
	Bars        []svgBarView
	Names       []svgText
}

type svgBarView struct {
	X, Y, Width, Height float64
	Class               string
	Label               svgText
}

type svgText struct {
	X, Y float64
	Text string
}

// svgScale is a logarithmic scale.
type svgScale struct{ low, high float64 } // powers of ten

func newSVGScale(values []float64) svgScale {
	s := svgScale{math.Inf(1), math.Inf(-1)}
	for _, v := range values {
		s.low, s.high = min(s.low, math.Floor(math.Log10(v))), max(s.high, math.Ceil(math.Log10(v)))
	}
	if s.high <= s.low {
		s.high = s.low + 1
	}
	return s
}

func (s svgScale) x(v float64) float64 {
	return svgLeft + (svgRight-svgLeft)*s.part(v)
}

// svgSeries is one kind of bar of a row.
type svgSeries struct {
	class string
	value float64
	label string
}

type svgRowData struct {
	name   string
	series []svgSeries
}

// drawBench draws the figures.
func drawBench(report benchReport) ([]byte, error) {
	var times, rates []svgRowData
	p := svgPicture{Width: svgWidth, Machine: report.Machine}
	if len(report.Figures) > 0 {
		p.Machine = plural(uint64(report.Figures[0].CIDs), "CID", "CIDs") + " on " + p.Machine
	}
	var memory []string
	for _, f := range report.Figures {
		switch {
		case f.Bytes > 0:
			memory = append(memory, fmt.Sprintf("%s: %s (%s)", f.Name, bytesText(uint64(f.Bytes)), f.Note))
		case f.PerSecond > 0 && f.QuietP50US == 0:
			rates = append(rates, svgRowData{f.Name, []svgSeries{{"ours", f.PerSecond, rateText(f.PerSecond)}}})
		case f.P50US > 0:
			times = append(times, svgRowData{f.Name, timeSeries(f)})
		}
	}
	y := 58.0
	for _, panel := range []struct {
		title string
		rows  []svgRowData
		tick  func(float64) string
	}{
		{"Median time, shorter is better", times, durationText},
		{"Per second, longer is better", rates, rateText},
	} {
		if len(panel.rows) == 0 {
			continue
		}
		view := svgPanelOf(panel.title, panel.rows, y, panel.tick)
		p.Panels = append(p.Panels, view)
		y = view.Bottom + svgBottom
	}
	for _, line := range memory {
		y += 18
		p.Lines = append(p.Lines, svgText{24, y, line})
	}
	p.Height = y + svgBottom
	var out bytes.Buffer
	if err := svgTemplate().Execute(&out, p); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func timeSeries(f bench.Figure) []svgSeries {
	series := []svgSeries{{"ours", f.P50US, durationText(f.P50US)}}
	switch {
	case f.QuietP50US > 0:
		series = append(series, svgSeries{"p99", f.P99US, durationText(f.P99US) + ", 99 %"}, svgSeries{"other", f.QuietP50US, durationText(f.QuietP50US) + ", quiet"})
	case f.BaselineP50US > 0:
		series = append(series, svgSeries{"other", f.BaselineP50US, durationText(f.BaselineP50US) + ", " + timesText(f.Speedup) + " times"})
	}
	return series
}

func rateText(perSecond float64) string {
	switch {
	case perSecond < 1e3:
		return fmt.Sprintf("%.3g", perSecond)
	case perSecond < 1e6:
		return fmt.Sprintf("%.3g k", perSecond/1e3)
	}
	return fmt.Sprintf("%.3g M", perSecond/1e6)
}

func svgPanelOf(title string, rows []svgRowData, y float64, tick func(float64) string) svgPanelView {
	var values []float64
	for _, r := range rows {
		for _, s := range r.series {
			values = append(values, s.value)
		}
	}
	scale := newSVGScale(values)
	view := svgPanelView{Title: title, TitleY: y + 16, Top: y + svgPanel - 12}
	for e := scale.low; e <= scale.high; e++ {
		v := math.Pow(10, e)
		view.Ticks = append(view.Ticks, svgText{scale.x(v), view.Top - 6, tick(v)})
	}
	y += svgPanel
	for _, r := range rows {
		view.Names = append(view.Names, svgText{svgLeft - 12, y + float64(len(r.series))*svgBar/2 + 4, r.name})
		for _, s := range r.series {
			bar := svgBarView{X: svgLeft, Y: y, Width: max(1, scale.x(s.value)-svgLeft), Height: svgBar - 1, Class: s.class}
			bar.Label = svgText{bar.X + bar.Width + 6, y + svgBar - 3, s.label}
			view.Bars = append(view.Bars, bar)
			y += svgBar
		}
		y += svgRow - 2*svgBar
	}
	view.Bottom = y
	return view
}

func svgTemplate() *template.Template {
	return template.Must(template.New("bench").Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" font-family="system-ui, sans-serif" font-size="12">
<style>
.page { fill: #fff } text { fill: #222 } .title { font-size: 15px; font-weight: 600 } .faint { fill: #666 }
.grid { stroke: #ddd } .ours { fill: #1667a8 } .p99 { fill: #8db8d9 } .other { fill: #c9c9c9 }
</style>
<rect class="page" width="{{.Width}}" height="{{.Height}}"/>
<text x="24" y="28" font-size="18" font-weight="600">whowhen bench</text>
<text x="24" y="48" class="faint">{{.Machine}}</text>
<rect class="ours" x="630" y="17" width="12" height="12"/><text x="648" y="28">whowhen</text>
<rect class="other" x="730" y="17" width="12" height="12"/><text x="748" y="28">roaring library, in the same run</text>
{{range .Panels}}<text class="title" x="24" y="{{.TitleY}}">{{.Title}}</text>
{{$panel := .}}{{range .Ticks}}<line class="grid" x1="{{.X}}" x2="{{.X}}" y1="{{$panel.Top}}" y2="{{$panel.Bottom}}"/><text class="faint" x="{{.X}}" y="{{.Y}}" text-anchor="middle">{{.Text}}</text>
{{end}}{{range .Names}}<text x="{{.X}}" y="{{.Y}}" text-anchor="end">{{.Text}}</text>
{{end}}{{range .Bars}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.Width}}" height="{{.Height}}"/><text x="{{.Label.X}}" y="{{.Label.Y}}" font-size="11">{{.Label.Text}}</text>
{{end}}{{end}}{{range .Lines}}<text x="{{.X}}" y="{{.Y}}">{{.Text}}</text>
{{end}}</svg>
`))
}
