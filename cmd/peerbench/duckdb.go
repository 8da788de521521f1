package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"whowhen.dev/whowhen/segments/bench"
)

// duckDB is DuckDB in this process, its tables in memory.
type duckDB struct {
	layout   layout
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by SQL
}

// layout is how the dataset is laid out in tables, and how it is asked there.
type layout struct {
	what  string
	setUp []string // statements before the first table
	load  func(ctx context.Context, db *duckDB, d bench.Dataset) error
	query func(q question) string
}

func (db *duckDB) load(ctx context.Context, d bench.Dataset) (string, error) {
	var err error
	if db.db, err = sql.Open("duckdb", ""); err != nil {
		return "", err
	}
	if db.conn, err = db.db.Conn(ctx); err != nil {
		return "", err
	}
	db.prepared = map[string]*sql.Stmt{}
	threads := runtime.GOMAXPROCS(0)
	if err := db.exec(ctx, append([]string{
		fmt.Sprintf("SET threads = %d", threads),
		"SET temp_directory = ''", // it would put what does not fit into memory beside the caller's files
	}, db.layout.setUp...)...); err != nil {
		return "", err
	}
	var version string
	if err := db.conn.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return "", err
	}
	return fmt.Sprintf("DuckDB %s, in this process, in memory, %d threads; %s", version, threads, db.layout.what), db.layout.load(ctx, db, d)
}

func (db *duckDB) count(ctx context.Context, q question) (uint64, error) {
	text := db.layout.query(q)
	statement := db.prepared[text]
	if statement == nil {
		var err error
		if statement, err = db.conn.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
		db.prepared[text] = statement
	}
	var n uint64
	err := statement.QueryRowContext(ctx).Scan(&n)
	return n, err
}

func (db *duckDB) close() error {
	var errs []error
	for _, s := range db.prepared {
		errs = append(errs, s.Close())
	}
	if db.conn != nil {
		errs = append(errs, db.conn.Close())
	}
	if db.db != nil {
		errs = append(errs, db.db.Close())
	}
	return errors.Join(errs...)
}

func (db *duckDB) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := db.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}

// fill makes a table and appends the rows that rows hands to row.
func (db *duckDB) fill(ctx context.Context, table string, columns []string, rows func(row func(values ...driver.Value) error) error) error {
	if err := db.exec(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", quoted(table), strings.Join(columns, ", "))); err != nil {
		return err
	}
	return db.conn.Raw(func(raw any) error {
		appender, err := duckdb.NewAppenderFromConn(raw.(driver.Conn), "", table)
		if err != nil {
			return err
		}
		n := 0
		err = rows(func(values ...driver.Value) error {
			if n++; n%(1<<16) == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return appender.AppendRow(values...)
		})
		if err = errors.Join(err, appender.Close()); err != nil {
			return fmt.Errorf("filling table %s: %w", table, err)
		}
		return nil
	})
}

// fillWords makes a table with a row for each 64 ordinals, and in it a column of 64 bits for each name.
func (db *duckDB) fillWords(ctx context.Context, d bench.Dataset, table string, names []string, fill func(column, block int, words *[bench.BlockWords]uint64)) error {
	columns := []string{"word INTEGER"}
	for _, name := range names {
		columns = append(columns, quoted(name)+" UBIGINT")
	}
	return db.fill(ctx, table, columns, func(row func(...driver.Value) error) error {
		words := make([][bench.BlockWords]uint64, len(names))
		values := make([]driver.Value, 1+len(names))
		for block := range d.Blocks() {
			for column := range names {
				fill(column, block, &words[column])
			}
			used := min(bench.BlockOrdinals, d.CIDs-block*bench.BlockOrdinals)
			for i := range (used + 63) / 64 {
				values[0] = int32(block*bench.BlockWords + i)
				for column := range names {
					values[1+column] = words[column][i]
				}
				if err := row(values...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// quoted returns a name as SQL takes it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
