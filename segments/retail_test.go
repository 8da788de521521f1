package segments_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/expr"
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

// retail are reference figures of the UCI Online Retail data, computed with another program.
var retail = []struct {
	expression, asOf string
	count            uint64
}{
	{`everyone`, "", 4372},
	{`did("purchase", within 30d)`, "2011-12-09T23:59:59Z", 1676},
	{`did("purchase", within 30d)`, "2011-12-09T09:00:00Z", 1676},
	{`count("purchase", within 90d) >= 50`, "2011-12-09T23:59:59Z", 970},
	{`days("purchase", within 180d) >= 5`, "2011-12-09T23:59:59Z", 621},
	{`last("purchase") before 90d ago`, "2011-12-09T23:59:59Z", 1454},
	{`first("purchase") within 30d`, "2011-12-09T23:59:59Z", 250},
	{`did("purchase" where Quantity > 100, within 365d)`, "2011-12-09T23:59:59Z", 579},
	{`sum("purchase.Quantity", within 90d) > 1000`, "2011-12-09T23:59:59Z", 355},
	{`country = "Germany" and days("purchase", within 90d) >= 3`, "2011-12-09T23:59:59Z", 25},
	{`did("purchase", within 30d) and not did("purchase" where Quantity < 0, within 30d)`, "2011-12-09T23:59:59Z", 1330},
	{`count("purchase" where Description = "WHITE HANGING HEART T-LIGHT HOLDER", within 365d) >= 3`, "2011-12-09T23:59:59Z", 236},
	{`did("purchase", from 2011-03-01 to 2011-04-01)`, "2011-12-09T23:59:59Z", 1020},
}

// loadRetail writes the file in batches and returns how many rows were rejected.
func loadRetail(t testing.TB, a *segments.App) (rejected int) {
	t.Helper()
	f, err := os.Open(sharedData(t, "online_retail.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	london := a.Zone()
	for done := false; !done; {
		result, err := a.Write(context.Background(), segments.WriteRequest{Build: func(b *batch.Builder) error {
			for i := range 16384 {
				row, err := rows.Read()
				if errors.Is(err, io.EOF) {
					done = true
					return nil
				}
				if err != nil {
					return err
				}
				at, err := time.ParseInLocation(time.DateTime, row[2], london)
				if err != nil {
					return err
				}
				quantity, err := value.ParseDecimal(row[1])
				if err != nil {
					return err
				}
				price, err := value.ParseDecimal(row[3])
				if err != nil {
					return err
				}
				b.Event(2*i, batch.Event{CID: row[4], Name: "purchase", TimeMillis: at.UnixMilli(), OffsetMinutes: batch.NoOffset, Properties: []batch.Named{
					{Name: "Description", Value: value.Text(row[0])}, {Name: "Quantity", Value: value.Num(quantity)}, {Name: "UnitPrice", Value: value.Num(price)},
				}})
				b.Profile(2*i+1, batch.ProfileChange{CID: row[4], TimeMillis: at.UnixMilli(), Set: []batch.Named{{Name: "country", Value: value.Text(row[5])}}})
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		rejected += len(result.Rejects)
	}
	return rejected
}

func checkRetail(t testing.TB, a *segments.App) {
	t.Helper()
	for _, want := range retail {
		var asOf time.Time
		if want.asOf != "" {
			var err error
			if asOf, err = time.Parse(time.RFC3339, want.asOf); err != nil {
				t.Fatal(err)
			}
		}
		n, err := expr.Parse(want.expression)
		if err != nil {
			t.Fatal(err)
		}
		status, err := a.Status()
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.View(context.Background(), segments.ReadOptions{AsOf: asOf, AtLeastPosition: status.DurablePosition})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got, err := v.Count(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		if got != want.count {
			t.Errorf("%s as of %s: %d, want %d", want.expression, want.asOf, got, want.count)
		}
		t.Logf("%8d  %-8s %s", got, time.Since(start).Round(time.Microsecond), want.expression)
		for _, w := range v.Warnings(n) {
			t.Errorf("%s: warning %s", want.expression, w.Message)
		}
		v.Close()
	}
}

func TestRetailReference(t *testing.T) {
	if testing.Short() {
		t.Skip("loads half a million rows several times")
	}
	dir := t.TempDir()
	home, err := segments.OpenHome(dir, segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := home.CreateApp("", "Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	if rejected := loadRetail(t, a); rejected != 2*135080 {
		t.Errorf("%d records rejected, want %d", rejected, 2*135080)
	}
	checkRetail(t, a)
	for _, step := range []string{"restart", "restart without index"} {
		if err := home.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(step, "index") {
			if err := os.RemoveAll(filepath.Join(dir, "apps", "default", "index")); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if home, err = segments.OpenHome(dir, segments.Options{}); err != nil {
			t.Fatal(err)
		}
		if a, err = home.App(""); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: open in %s", step, time.Since(start).Round(time.Millisecond))
		checkRetail(t, a)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
}
