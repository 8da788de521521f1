package rig

import (
	"context"
	"errors"
	"fmt"

	"whowhen.dev/whowhen/segments"
)

// Sound checks every invariant of the default app of a directory that nobody has open.
func Sound(ctx context.Context, dir string) error {
	v, err := segments.Verify(ctx, dir, "", segments.Options{}, func(string) {})
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range v.Findings {
		errs = append(errs, fmt.Errorf("%s: %s", f.Part, f.Problem))
	}
	return errors.Join(errs...)
}
