package main

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
)

// sendTimeDeactivated has best hours computed by the CIDs' own days, where there are any, and says what send times go by.
func (m *Main) sendTimeDeactivated(ctx context.Context, a *api, r *whowhenv1.ActivateModelResponse) error {
	by := "each CID's own days, its zone's and everyone's, untrained, from now on"
	var failed *connect.Error
	if err := m.refreshHours(ctx, a, nil); errors.As(err, &failed) && errorInfo(failed).GetReason() == "MODEL_MISFIT" {
		by = "an assumed day from now on, as nobody has done what is activity by default; name that with \"whowhen when --refresh --event NAME\""
	} else if err != nil {
		return err
	}
	if m.flags.JSON {
		return m.printMessage(r)
	}
	return m.print("No version of model %s is active: \"whowhen when\" goes by %s.", r.Name, by)
}
