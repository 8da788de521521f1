package serve

import (
	"log/slog"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"whowhen.dev/whowhen/proto/gen/whowhen/v1/whowhenv1connect"
	"whowhen.dev/whowhen/segments"
)

// Server answers the API for one data directory. It is safe for use by several
// goroutines.
type Server struct {
	home    *segments.Home
	version string
	clock   func() time.Time
	logger  *slog.Logger
	limits  Limits

	startedAt time.Time
	incidents atomic.Uint64 // internal errors so far, which number them
	draining  atomic.Bool
}

// New returns a Server for an open Home. It does not own the Home: close it once
// Serve has returned and no handler runs.
func New(h *segments.Home, o Options) *Server {
	o = o.withDefaults()
	return &Server{home: h, version: o.Version, clock: o.Clock, logger: o.Logger, limits: o.Limits, startedAt: o.Clock()}
}

// Handler returns a handler for the whole API: IngestService, AudienceService and
// AdminService, gRPC health and reflection, a front page and /healthz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mount := func(maxBytes int64, handler func(...connect.HandlerOption) (string, http.Handler)) {
		path, h := handler(s.handlerOptions(maxBytes)...)
		mux.Handle(path, s.bound(h, maxBytes))
	}
	mount(s.limits.WriteBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return whowhenv1connect.NewIngestServiceHandler(ingestService{s.home}, o...)
	})
	mount(s.limits.MessageBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return whowhenv1connect.NewAudienceServiceHandler(audienceService{s.home}, append(o, connect.WithConditionalHandlerOptions(selectUncompressed))...)
	})
	mount(s.limits.MessageBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return whowhenv1connect.NewAdminServiceHandler(adminService{s.home, s.version}, o...)
	})
	mount(s.limits.MessageBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return grpchealth.NewHandler(healthChecker{s}, o...)
	})
	reflector := grpcreflect.NewStaticReflector(append(serviceNames(), grpchealth.HealthV1ServiceName)...)
	mount(s.limits.MessageBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return grpcreflect.NewHandlerV1(reflector, o...)
	})
	mount(s.limits.MessageBytes, func(o ...connect.HandlerOption) (string, http.Handler) {
		return grpcreflect.NewHandlerV1Alpha(reflector, o...) // older grpcurl asks for this one
	})
	mux.HandleFunc("GET /{$}", s.frontPage)
	mux.HandleFunc("GET /healthz", s.healthPage)
	mux.HandleFunc("/", notFoundPage)
	return mux
}

func serviceNames() []string {
	return []string{whowhenv1connect.IngestServiceName, whowhenv1connect.AudienceServiceName, whowhenv1connect.AdminServiceName}
}

func (s *Server) handlerOptions(maxBytes int64) []connect.HandlerOption {
	options := []connect.HandlerOption{
		connect.WithInterceptors(guard{s}),
		// The body's and the decompressor's own bounds strike first and say more.
		connect.WithReadMaxBytes(int(min(maxBytes+envelopeBytes, math.MaxInt32))),
		connect.WithCompression("gzip", newDecompressor(maxBytes), newCompressor),
		connect.WithCompressMinBytes(1024),
		connect.WithCodec(protoCodec{}),
	}
	for _, name := range jsonCodecNames() {
		options = append(options, connect.WithCodec(jsonCodec{name}))
	}
	return options
}

// selectUncompressed leaves the stream of CIDs as it is: compressing takes many times
// longer than sending, and CIDs hardly shrink.
func selectUncompressed(spec connect.Spec) []connect.HandlerOption {
	if spec.Procedure == whowhenv1connect.AudienceServiceSelectProcedure {
		return []connect.HandlerOption{connect.WithCompressMinBytes(math.MaxInt)}
	}
	return nil
}
