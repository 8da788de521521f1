package training_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/value"
)

// sharedData returns the path of a file of real data, or skips the test where there is none.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s beside the project: the reference figures are not checked", name)
	return ""
}

// newApp makes an app in a directory of its own.
func newApp(t testing.TB, zone string, now time.Time) *segments.App {
	t.Helper()
	home, err := segments.OpenHome(t.TempDir(), segments.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := home.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := home.CreateApp("", zone)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// write writes events, some at a time, as next gives them, and waits until they are seen.
func write(t testing.TB, a *segments.App, next func() (batch.Event, bool)) {
	t.Helper()
	var last uint64
	for more := true; more; {
		result, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 16384 {
				e, ok := next()
				if !ok {
					more = false
					return nil
				}
				b.Event(i, e)
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Rejects) > 0 {
			t.Fatalf("rejected: %+v", result.Rejects[0])
		}
		last = result.Position
	}
	v, err := a.View(context.Background(), segments.ReadOptions{AtLeastPosition: last})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}

// csvRows goes through a compressed CSV file, without its header.
func csvRows(t testing.TB, name string) func() ([]string, bool) {
	t.Helper()
	f, err := os.Open(sharedData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	return func() ([]string, bool) {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil, false
		}
		if err != nil {
			t.Fatal(err)
		}
		return row, true
	}
}

// loadRetail loads what was bought, without returns and without those who have no id, with the amount in money.
func loadRetail(t testing.TB, a *segments.App) {
	t.Helper()
	next := csvRows(t, "online_retail.csv.gz")
	write(t, a, func() (batch.Event, bool) {
		for {
			row, ok := next()
			if !ok {
				return batch.Event{}, false
			}
			quantity := decimal(t, row[1])
			if quantity.Float() <= 0 || row[4] == "" {
				continue
			}
			price := decimal(t, row[3])
			return batch.Event{CID: row[4], Name: "purchase", TimeMillis: moment(t, row[2]), OffsetMinutes: batch.NoOffset, Properties: []batch.Named{
				{Name: "Description", Value: value.Text(row[0])}, {Name: "Country", Value: value.Text(row[5])}, {Name: "Quantity", Value: value.Num(quantity)}, {Name: "UnitPrice", Value: value.Num(price)}, {Name: "amount", Value: value.Num(product(t, row[1], row[3]))},
			}}, true
		}
	})
}

// loadJourney loads the transactions of Complete Journey with all that is said of them.
func loadJourney(t testing.TB, a *segments.App) {
	t.Helper()
	next := csvRows(t, "completejourney_transactions.csv.gz")
	names := []string{"store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc", "week"}
	write(t, a, func() (batch.Event, bool) {
		row, ok := next()
		if !ok {
			return batch.Event{}, false
		}
		e := batch.Event{CID: row[0], Name: "purchase", TimeMillis: moment(t, row[10]), OffsetMinutes: batch.NoOffset}
		for i, name := range names {
			e.Properties = append(e.Properties, batch.Named{Name: name, Value: value.Num(decimal(t, row[i+1]))})
		}
		return e, true
	})
}

func moment(t testing.TB, text string) int64 {
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

func decimal(t testing.TB, text string) value.Decimal {
	d, err := value.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// product is the exact product of two decimals.
func product(t testing.TB, a, b string) value.Decimal {
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	if !ok || !ok2 {
		t.Fatalf("%s x %s", a, b)
	}
	return decimal(t, x.Mul(x, y).FloatString(6))
}
