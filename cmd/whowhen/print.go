package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// writeJSON prints one value as one line.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// answered is what every answer to a read says about itself.
type answered struct {
	AsOf     string    `json:"as_of"`
	Position uint64    `json:"position"`
	Warnings []warning `json:"warnings"`
}

type warning struct {
	Reason  string `json:"reason"`
	Name    string `json:"name"`
	Nearest string `json:"nearest"`
	Message string `json:"message"`
}

func newAnswered(asOf *timestamppb.Timestamp, position uint64, warnings []*whowhenv1.Warning) answered {
	return answered{AsOf: stamp(asOf), Position: position, Warnings: newWarnings(warnings)}
}

func newWarnings(warnings []*whowhenv1.Warning) []warning {
	list := []warning{}
	for _, w := range warnings {
		list = append(list, warning{w.Reason, w.Name, w.Nearest, w.Message})
	}
	return list
}

// warn tells people of warnings; with --json they are in the result as well.
func (m *Main) warn(warnings []*whowhenv1.Warning) {
	for _, w := range warnings {
		m.say("whowhen: warning: %s", sentence(w.Message))
	}
}

// stamp prints a moment in UTC, to the second; a missing one is empty.
func stamp(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Truncate(time.Second).Format(time.RFC3339)
}

// optionalStamp is stamp for JSON, where a missing moment is null.
func optionalStamp(t *timestamppb.Timestamp) *string {
	if t == nil {
		return nil
	}
	s := stamp(t)
	return &s
}

// grouped prints a number with commas between thousands.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// plural prints a count of things.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// bytesText prints a size as people read it.
func bytesText(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefixes := float64(n)/unit, "KMGTPE"
	for value >= unit && len(prefixes) > 1 {
		value, prefixes = value/unit, prefixes[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, prefixes[0])
}

// quoteForShell writes a word so that a POSIX shell reads it back.
func quoteForShell(word string) string {
	plain := word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@") == ""
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
