package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	if why, _ := h.s.whyUnhealthy(); why != "" {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

// whyUnhealthy says in a line why callers had better go elsewhere, or returns "". soon says that it is because
// apps are being opened, and that this ends. It touches the data directory but opens no app. An
// app that takes no writes still answers questions, so that is not told here but by Status.
func (s *Server) whyUnhealthy() (why string, soon bool) {
	if s.draining.Load() {
		return errShuttingDown.Error(), false
	}
	if _, err := s.home.Apps(); err != nil {
		return "the data directory cannot be read: " + err.Error(), false
	}
	why = strings.Join(s.home.Openings(), "; ")
	return why, why != ""
}

func (s *Server) healthPage(w http.ResponseWriter, _ *http.Request) {
	if why, soon := s.whyUnhealthy(); why != "" {
		if soon {
			w.Header().Set("Retry-After", "1") // by which commands tell it from a server that is ending
		}
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
