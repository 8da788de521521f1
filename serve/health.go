package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"whowhen.dev/whowhen/segments"
)

// healthChecker answers gRPC's health checks, for each service and for all ("").
type healthChecker struct{ s *Server }

func (h healthChecker) Check(_ context.Context, r *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if r.Service != "" && !slices.Contains(serviceNames(), r.Service) {
		return nil, newError(connect.CodeNotFound, &segments.Error{
			Reason: reasonRequestInvalid, Field: "service", Message: fmt.Sprintf("no service is named %.100q", r.Service)})
	}
	if h.s.whyUnhealthy() != "" {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

// whyUnhealthy says why callers had better go elsewhere, or returns "". It touches the data
// directory but opens no app. An app that takes no writes still answers questions, so that
// is not told here but by Status.
func (s *Server) whyUnhealthy() string {
	if s.draining.Load() {
		return errShuttingDown.Error()
	}
	if _, err := s.home.Apps(); err != nil {
		return "the data directory cannot be read: " + err.Error()
	}
	return ""
}

func (s *Server) healthPage(w http.ResponseWriter, _ *http.Request) {
	if why := s.whyUnhealthy(); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	writePage(w, "ok\n")
}

func (s *Server) frontPage(w http.ResponseWriter, _ *http.Request) {
	writePage(w, fmt.Sprintf(`whowhen %s: whom to message, and when.

This is its API: Connect, gRPC and gRPC-Web on one port, and JSON by HTTP POST:

  curl -H 'Content-Type: application/json' -d '{"expression":"everyone"}' \
    ADDRESS/whowhen.v1.AudienceService/Count

Services
  whowhen.v1.IngestService     Write, GetLoad
  whowhen.v1.AudienceService   Count, Select, Contains, Explain
  whowhen.v1.AdminService      Status
  grpc.health.v1.Health        Check; for people: /healthz
  gRPC reflection              for tools that list all of this with its messages
`, s.version))
}

func notFoundPage(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "nothing is here; GET / says what is where", http.StatusNotFound)
}

func writePage(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// A caller who has gone needs no page.
	_, _ = w.Write([]byte(text))
}
