package main

import (
	"context"
	"fmt"
	"strings"

	"whowhen.dev/whowhen/segments/bench"
)

// wordTable is the layout of an expert who builds bitmaps out of SQL: a row for each 64 ordinals, with an integer of
// 64 bits for each tag and, in a table for each event, for each day.
func wordTable() layout {
	return layout{
		what: "64 ordinals to an integer for each tag and event day",
		// Threads share out groups of rows. Of the usual size, 122,880 rows, there would be too few to share.
		setUp: []string{"ATTACH ':memory:' AS words (ROW_GROUP_SIZE 16384)", "USE words"},
		load:  loadWords, query: queryWords,
	}
}

func loadWords(ctx context.Context, db *duckDB, d bench.Dataset) error {
	if err := db.fillWords(ctx, d, "tags", tagNames(d), d.TagWords); err != nil {
		return err
	}
	var days []string
	for day := range bench.Days {
		days = append(days, dayColumn(day))
	}
	for _, event := range askedEvents(d) {
		err := db.fillWords(ctx, d, d.Events()[event].Name, days, func(day, block int, words *[bench.BlockWords]uint64) {
			presence(d, event, day, block, words)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// queryWords says the same as the question by bits.
func queryWords(q question) string {
	if q.figure == figureDays {
		return "SELECT coalesce(sum(bit_count(thrice)), 0)::UBIGINT FROM (" + thrice(q.event) + ")"
	}
	t := quotedAll(q.tags)
	return fmt.Sprintf("SELECT coalesce(sum(bit_count(%s & %s & (%s | %s) & ~%s)), 0)::UBIGINT FROM tags", t[0], t[1], t[2], t[3], t[4])
}

// thrice selects the bits of those who did it on at least leastDays days: day by day, those who have done it once, twice
// and thrice so far.
func thrice(event string) string {
	query := fmt.Sprintf("SELECT *, %s AS once, 0::UBIGINT AS twice, 0::UBIGINT AS thrice FROM %s", dayColumn(0), quoted(event))
	for day := 1; day < bench.Days; day++ {
		query = strings.ReplaceAll("SELECT * REPLACE (once | DAY AS once, twice | (once & DAY) AS twice, thrice | (twice & DAY) AS thrice) FROM (", "DAY", dayColumn(day)) + query + ")"
	}
	return query
}

func dayColumn(day int) string { return fmt.Sprintf("d%02d", day) }
