# Everything here needs Go, make and git; `make check` wants a C compiler too.

GO       ?= go
LISTEN   ?= 127.0.0.1:8080
FUZZTIME ?= 10s
CYCLES   ?= 300
CIDS     ?= 10000000
MINUTES  ?= 20

.PHONY: help
help: ## Say what there is.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build
build: ## Build bin/whowhen.
	$(GO) build -o bin/whowhen ./cmd/whowhen

.PHONY: run
run: build ## Make the sample app in ./whowhen-data if it is not there, serve it on LISTEN and print five things to try.
	@bin/whowhen demo --serve --listen $(LISTEN)

.PHONY: test
test: ## Run all tests.
	$(GO) test ./...

.PHONY: check
check: ## Check formatting, vet, staticcheck, generated code, and run all tests with the race detector.
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./proto/genproto -check
	@cc=$$($(GO) env CC); \
	if ! command -v $${cc%% *} >/dev/null; then \
		echo "make check: all of the above is fine, but the race detector was not run:"; \
		echo "it needs a C compiler, and $$cc is not here. Install gcc or clang, or set CC."; exit 1; fi
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./...

.PHONY: bench
bench: build ## Run the benchmarks of the packages, then whowhen bench with CIDS client ids.
	$(GO) test -run '^$$' -bench . -benchmem ./...
	bin/whowhen bench --cids $(CIDS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME, one after the other.
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$($(GO) test -list '^Fuzz' $$dir | grep '^Fuzz'); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s $$dir; \
		done; \
	done

.PHONY: crash
crash: ## Kill the real server CYCLES times while it writes, saves and drops old log; nothing may be lost.
	WHOWHEN_CRASH_CYCLES=$(CYCLES) $(GO) test -count=1 -timeout 60m -v ./cmd/internal/crash

LONG := $(GO) test -count=1 -timeout 120m -v

.PHONY: torture
torture: ## Run what make test runs a share of in full: MINUTES of load, cut power, failing and full disks, attacks, damage (about an hour; root for all of it).
	WHOWHEN_TORTURE_MINUTES=$(MINUTES) $(LONG) ./cmd/internal/torture
	WHOWHEN_POWER_CYCLES=30 $(LONG) ./cmd/internal/power
	WHOWHEN_FULLDISK_ROUNDS=10 $(LONG) ./cmd/internal/fulldisk
	WHOWHEN_FAULTS=all $(LONG) ./cmd/internal/faults
	WHOWHEN_HOSTILE=all $(LONG) ./cmd/internal/hostile
	WHOWHEN_DAMAGE_ROUNDS=2000 $(LONG) -run 'TestIndexDamage$$' ./segments
	WHOWHEN_JUDGE_WORLDS=400 $(LONG) -run 'TestJudge$$' ./segments

.PHONY: clean
clean: ## Remove what was built. The data in ./whowhen-data stays.
	rm -rf bin
