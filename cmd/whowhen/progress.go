package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"whowhen.dev/whowhen/cmd/internal/load"
)

// progress tells how far something is: as a bar on a terminal, and elsewhere as a line every
// few seconds. It is used by one goroutine.
type progress struct {
	m     *Main
	unit  string
	start time.Time

	bars  *mpb.Progress // nil when there is no terminal
	bar   *mpb.Bar
	title string
	text  *atomic.Pointer[string] // the bar's; read by the bar's goroutine

	nextLine time.Time
	retrying bool
}

const lineEvery = 5 * time.Second

func (m *Main) newProgress(unit string) *progress {
	now := m.Clock.Now()
	return &progress{m: m, unit: unit, start: now, nextLine: now.Add(lineEvery)}
}

// load shows the progress of a load.
func (p *progress) load(l load.Progress) {
	title := "Reading"
	if l.Phase == load.Loading {
		title = "Loading"
	}
	left := timeLeft(l.Elapsed, l.BytesRead, l.BytesTotal)
	text := fmt.Sprintf("%s rows, %s rows/s%s", grouped(l.Rows), grouped(uint64(l.RowsPerSecond)), left)
	if l.Rejected > 0 {
		text += fmt.Sprintf(", %s rejected", grouped(l.Rejected))
	}
	if l.Retrying != nil {
		text += ", waiting for the server"
		if !p.retrying {
			p.note("whowhen: a batch was not taken and is sent again: %v", l.Retrying)
		}
	}
	p.retrying = l.Retrying != nil
	p.show(title, text, l.BytesRead, l.BytesTotal)
}

// count shows that done of all is done.
func (p *progress) count(title string, done, all uint64) {
	elapsed := p.m.Clock.Now().Sub(p.start)
	rate := float64(done) / max(elapsed.Seconds(), 0.001)
	text := fmt.Sprintf("%s %s, %s %s/s%s", grouped(done), p.unit, grouped(uint64(rate)), p.unit, timeLeft(elapsed, int64(done), int64(all)))
	p.show(title, text, int64(done), int64(all))
}

func (p *progress) show(title, text string, done, all int64) {
	if p.m.StderrWidth == 0 {
		if now := p.m.Clock.Now(); !now.Before(p.nextLine) {
			p.nextLine = now.Add(lineEvery)
			p.m.say("%s: %s", title, text)
		}
		return
	}
	if p.bars == nil {
		p.bars = mpb.New(mpb.WithOutput(p.m.Stderr), mpb.WithWidth(p.m.StderrWidth), mpb.WithAutoRefresh())
	}
	if title != p.title {
		p.drop()
		shown := new(atomic.Pointer[string])
		shown.Store(&text)
		p.title, p.text = title, shown
		p.bar = p.bars.New(max(all, 1), mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("").Padding("░"),
			mpb.BarRemoveOnComplete(), mpb.BarWidth(min(p.m.StderrWidth/4, 40)),
			mpb.PrependDecorators(decor.Name(title+" ")),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + *shown.Load() })))
	}
	p.text.Store(&text)
	p.bar.SetCurrent(min(done, max(all-1, 0))) // a full bar is over and cannot be changed
}

func (p *progress) note(format string, args ...any) {
	if p.bars != nil {
		fmt.Fprintf(p.bars, format+"\n", args...)
		return
	}
	p.m.say(format, args...)
}

func (p *progress) drop() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bar = nil
	}
}

// end takes the bar away.
func (p *progress) end() {
	p.drop()
	if p.bars != nil {
		p.bars.Wait()
	}
}

// timeLeft returns ", 12s left", or nothing when that cannot be told yet.
func timeLeft(elapsed time.Duration, done, all int64) string {
	if done <= 0 || all <= 0 || elapsed < time.Second {
		return ""
	}
	left := time.Duration(float64(elapsed) * float64(all-done) / float64(done))
	return fmt.Sprintf(", %s left", max(left, 0).Round(time.Second))
}
