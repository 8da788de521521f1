package main

import (
	"context"
	"errors"

	"whowhen.dev/whowhen/segments/bench"
)

// Names of engines.
const (
	engineWhowhen     = "whowhen"
	engineDuckDB      = "duckdb"
	engineDuckDBWords = "duckdb_words"
	engineRedis       = "redis"
)

func engineNames() []string {
	return []string{engineWhowhen, engineDuckDB, engineDuckDBWords, engineRedis}
}

// engine is one of those compared. It serves one goroutine.
type engine interface {
	// load takes in the dataset, and returns what the engine is, with its version. It returns errNotInstalled when there
	// is nothing on this machine to load it into.
	load(ctx context.Context, d bench.Dataset) (what string, err error)
	// count answers a question of the dataset.
	count(ctx context.Context, q question) (uint64, error)
	// close ends what load has started and removes what it has made, also after an error of it.
	close() error
}

// errNotInstalled says that an engine is not on this machine.
var errNotInstalled = errors.New("not installed")

func newEngine(name string) engine {
	switch name {
	case engineDuckDB:
		return &duckDB{layout: wideTable()}
	case engineDuckDBWords:
		return &duckDB{layout: wordTable()}
	case engineRedis:
		return &redisEngine{}
	}
	return &whowhen{}
}
