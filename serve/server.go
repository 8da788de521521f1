package serve

import (
	"log/slog"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
	"whowhen.dev/whowhen/serve/plan"
)

// Server answers the API for one data directory. It is safe for use by several
// goroutines.
type Server struct {
	home    *segments.Home
	version string
	clock   func() time.Time
	logger  *slog.Logger
	limits  Limits
	rooms   *rooms
	errors  *connect.ErrorWriter
	scores  *scores
	ready   *readyModels
	// policies returns what is read of the folder of Options when it is first asked for.
	policies func() (*plan.Library, error)

	startedAt time.Time
	incidents atomic.Uint64 // internal errors so far, which number them
	draining  atomic.Bool
}

// New returns a Server for an open Home. It does not own the Home: close it once
// Serve has returned and no handler runs.
func New(h *segments.Home, o Options) *Server {
	o = o.withDefaults()
	return &Server{
		home: h, version: o.Version, clock: o.Clock, logger: o.Logger,
		limits: o.Limits, rooms: newRooms(o.Limits), errors: connect.NewErrorWriter(), startedAt: o.Clock(),
		scores: newScores(h, o.Clock, o.Logger), ready: &readyModels{},
		policies: sync.OnceValues(func() (*plan.Library, error) { return plan.OpenLibrary(o.Policies) }),
	}
}

// Handler returns a handler for the whole API: IngestService, AudienceService, ModelService, SendTimeService and
// AdminService, gRPC health and reflection, a front page and /healthz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	options := s.handlerOptions()
	mount := func(path string, h http.Handler) { mux.Handle(path, s.bound(h)) }
	mount(whowhenv1connect.NewIngestServiceHandler(ingestService{s.home}, options...))
	mount(whowhenv1connect.NewAudienceServiceHandler(audienceService{s.home}, append(options, connect.WithConditionalHandlerOptions(selectUncompressed))...))
	mount(whowhenv1connect.NewModelServiceHandler(modelService{s}, append(options, connect.WithConditionalHandlerOptions(selectUncompressed))...))
	mount(whowhenv1connect.NewSendTimeServiceHandler(newSendTimeService(s), append(options, connect.WithConditionalHandlerOptions(selectUncompressed))...))
	mount(whowhenv1connect.NewAdminServiceHandler(adminService{s.home, s.version}, options...))
	mount(grpchealth.NewHandler(healthChecker{s}, options...))
	reflector := grpcreflect.NewStaticReflector(append(serviceNames(), grpchealth.HealthV1ServiceName)...)
	mountStream := func(path string, h http.Handler) { mux.Handle(path, s.boundStream(h)) }
	mountStream(grpcreflect.NewHandlerV1(reflector, options...))
	mountStream(grpcreflect.NewHandlerV1Alpha(reflector, options...)) // older grpcurl asks for this one
	mux.HandleFunc("GET /{$}", s.frontPage)
	mux.HandleFunc("GET /healthz", s.healthPage)
	mux.HandleFunc("/", notFoundPage)
	return mux
}

// maxBytes returns how large a request to a procedure may be.
func (s *Server) maxBytes(procedure string) int64 {
	switch procedure {
	case whowhenv1connect.IngestServiceWriteProcedure, whowhenv1connect.AudienceServiceContainsProcedure, whowhenv1connect.ModelServiceScoreProcedure,
		whowhenv1connect.SendTimeServiceWhenProcedure:
		return s.limits.WriteBytes
	}
	return s.limits.MessageBytes
}

func serviceNames() []string {
	return []string{whowhenv1connect.IngestServiceName, whowhenv1connect.AudienceServiceName, whowhenv1connect.ModelServiceName,
		whowhenv1connect.SendTimeServiceName, whowhenv1connect.AdminServiceName}
}

// streamedBytes bounds a message of a stream of requests, which are the only ones that connect reads itself.
const streamedBytes = 16 << 10

func (s *Server) handlerOptions() []connect.HandlerOption {
	options := []connect.HandlerOption{
		connect.WithInterceptors(guard{s}),
		connect.WithReadMaxBytes(streamedBytes),
		connect.WithCompression("gzip", newDecompressor(streamedBytes), newCompressor),
		connect.WithCompressMinBytes(1024),
		connect.WithCodec(protoCodec{}),
	}
	for _, name := range jsonCodecNames() {
		options = append(options, connect.WithCodec(jsonCodec{name}))
	}
	return options
}

// selectUncompressed leaves streams of CIDs as they are: compressing takes many times
// longer than sending, and CIDs hardly shrink.
func selectUncompressed(spec connect.Spec) []connect.HandlerOption {
	if streamsCIDs(spec.Procedure) {
		return []connect.HandlerOption{connect.WithCompressMinBytes(math.MaxInt)}
	}
	return nil
}

// streamsCIDs says whether a procedure answers with a stream of CIDs.
func streamsCIDs(procedure string) bool {
	switch procedure {
	case whowhenv1connect.AudienceServiceSelectProcedure, whowhenv1connect.ModelServiceScoreAllProcedure, whowhenv1connect.SendTimeServiceWhenAllProcedure:
		return true
	}
	return false
}
