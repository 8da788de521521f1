package segments

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"whowhen.dev/whowhen/segments/batch"
	"whowhen.dev/whowhen/segments/internal/civil"
)

// SetRetention says from now on how long the events of a name, or a tag, are kept. It returns the position of the
// rule in the log once it is on disk.
//
// Events of the app's days before the last KeepDays, today included, are not to be seen any more. A tag expires
// KeepDays after it was set; who bears it already counts as having got it now. A longer
// retention brings nothing back. What is no longer kept leaves memory and disk in time: see Sweep.
//
// With validateOnly it only checks, and returns the end of the log.
func (a *App) SetRetention(ctx context.Context, validateOnly bool, rules ...batch.Retention) (position uint64, err error) {
	if len(rules) == 0 || len(rules) > batch.MaxColumns {
		return 0, &Error{Reason: RetentionInvalid, Field: "rules", Message: fmt.Sprintf("%d rules; give 1 to %d at a time", len(rules), batch.MaxColumns)}
	}
	for _, r := range rules {
		if err := checkRetention(r); err != nil {
			return 0, err
		}
	}
	if validateOnly {
		return a.wal.Last(), nil
	}
	if err := a.whyBroken(); err != nil {
		return 0, err
	}
	b := &batch.Batch{ReceivedMillis: a.options.Clock().UnixMilli(), Retentions: slices.Clone(rules)}
	p, _, err := a.send(ctx, b, 0)
	if err != nil {
		return 0, err
	}
	return p.position, nil
}

func checkRetention(r batch.Retention) error {
	field := "event"
	if r.Tag {
		field = "tag"
	}
	if wrong := batch.CheckName(r.Name); wrong != "" {
		return &Error{Reason: RetentionInvalid, Field: field, Message: wrong}
	}
	if r.KeepDays < 0 || r.KeepDays > batch.MaxKeepDays {
		return &Error{Reason: RetentionInvalid, Field: "keep_days",
			Message: fmt.Sprintf("%s %q cannot be kept for %d days; give 1 to %d, or 0 for ever", field, r.Name, r.KeepDays, batch.MaxKeepDays)}
	}
	return nil
}

// Retentions returns the rules that are in force: events first, by name.
func (a *App) Retentions() []batch.Retention {
	version, release := a.index.Pin()
	defer release()
	rules := version.Retentions()
	slices.SortFunc(rules, func(x, y batch.Retention) int {
		if x.Tag != y.Tag {
			if x.Tag {
				return 1
			}
			return -1
		}
		return cmp.Compare(x.Name, y.Name)
	})
	return rules
}

// Sweep takes what has expired or is no longer kept out of memory, as the app does by itself every ten minutes; the next
// checkpoint takes it off the index on disk. It leaves what the clock has not
// called old for an hour, tags that expired in the hour before, and events that went out of their retention yesterday.
func (a *App) Sweep(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case a.sweeps <- done:
	case <-a.stop:
		return &Error{Reason: Closed, Message: "the app is being closed", Retryable: true}
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sweep runs in the applier's goroutine.
func (a *App) sweep() error {
	swept, err := a.index.Sweep(a.clock.past(a.options.Clock()))
	if err != nil {
		a.logger.Error("what is no longer kept could not be taken out", "cause", err)
		return err
	}
	if swept > 0 {
		a.logger.Info("taken out what is no longer kept", "tags and events", swept)
	}
	return nil
}

// today returns the app's day.
func (a *App) today() int32 { return civil.NewZone(a.zone).Day(a.options.Clock().Unix()) }
