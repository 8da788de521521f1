package segments_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"whowhen.dev/whowhen/segments"
)

// impatient is a context whose caller goes away after it has been asked a number of times.
type impatient struct {
	context.Context
	left atomic.Int64
}

func (c *impatient) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestCallerGone holds that a query ends soon after its caller has gone, also within one block of CIDs.
func TestCallerGone(t *testing.T) {
	_, a := open(t, t.TempDir(), segments.Options{})
	fill(t, a, 0, 20)
	v, err := a.View(context.Background(), segments.ReadOptions{AtLeastPosition: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var terms []string // all different: what is asked twice is worked out once
	for i := range 500 {
		terms = append(terms, fmt.Sprintf(`sum("open.n" where n != 20) > %d`, 1000000+i))
	}
	n := parsed(t, strings.Join(terms, " or "))
	const asked = 100
	for name, query := range map[string]func(context.Context) error{
		"count":    func(ctx context.Context) error { _, err := v.Count(ctx, n); return err },
		"contains": func(ctx context.Context) error { _, err := v.Contains(ctx, n, []string{"cid 1"}); return err },
		"explain":  func(ctx context.Context) error { _, err := v.ExplainCID(ctx, n, "cid 1"); return err },
	} {
		ctx := &impatient{Context: context.Background()}
		ctx.left.Store(asked)
		if err := query(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s went on: %v", name, err)
		}
		if more := -ctx.left.Load(); more > 3 {
			t.Errorf("%s asked %d times more", name, more)
		}
	}
}
