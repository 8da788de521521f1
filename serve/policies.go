package serve

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	whowhenv1 "whowhen.dev/whowhen/proto/gen/whowhen/v1"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/plan"
)

// Reasons of errors about policies of quiet hours and holidays.
const (
	reasonPolicyUnknown   segments.Reason = "POLICY_UNKNOWN"   // no policy of that name
	reasonPoliciesInvalid segments.Reason = "POLICIES_INVALID" // a file of the folder cannot be used
)

// library returns the policies, read from their folder when they are first asked for.
func (s *Server) library() (*plan.Library, error) {
	library, err := s.policies()
	if err != nil {
		return nil, invalidPolicies(err)
	}
	return library, nil
}

// CheckPolicies says what is wrong with the folder of policies, if anything, so that a server need not start with it.
func (s *Server) CheckPolicies() error {
	_, err := s.library()
	return err
}

func invalidPolicies(err error) error {
	return &segments.Error{Reason: reasonPoliciesInvalid, Message: fmt.Sprintf("the folder of policies and calendars cannot be used: %v", err)}
}

func (s sendTimeService) Policies(_ context.Context, r *connect.Request[whowhenv1.PoliciesRequest]) (*connect.Response[whowhenv1.PoliciesResponse], error) {
	library, err := s.server.library()
	if err != nil {
		return nil, err
	}
	if r.Msg.GetReload() {
		if err := library.Reload(); err != nil {
			return nil, invalidPolicies(err)
		}
	}
	response := &whowhenv1.PoliciesResponse{}
	for _, p := range library.Policies() {
		response.Policies = append(response.Policies, &whowhenv1.PolicyEntry{Name: p.Name(), Version: p.Version()})
	}
	for _, c := range library.Calendars() {
		response.Calendars = append(response.Calendars, &whowhenv1.CalendarEntry{Name: c.Name()})
	}
	return connect.NewResponse(response), nil
}
