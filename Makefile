# The words are the same here and in CI: fmt, lint, test, bench, check, demo, build.
# Needed: Go, Node 20.19 or later, make. Tools are pinned here and in clientjs/package-lock.json, and fetched when first used.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
BENCHSTAT := $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
BENCHMARKS = $(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem $(or $(PKG),./...)
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The race detector wants a C compiler; where there is none the tests run without it and say so.
HAVE_CC := $(shell command -v "$$($(GO) env CC)" >/dev/null 2>&1 && echo yes)
RACE := $(if $(HAVE_CC),-race)
race-note = $(if $(HAVE_CC),:,echo "test: no C compiler, so without -race (install gcc or clang to have it)")

.PHONY: help
help: ## Print the words
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/lockstep
	@echo "compiling lockstep (the first time this takes a minute or two) …"
	@$(GO) build -o bin/lockstep ./cmd/lockstep

.PHONY: demo
demo: build ## Run the demo: one process, one page, nothing to configure (DEMO=… adds flags)
	@exec ./bin/lockstep demo $(DEMO)

.PHONY: fmt
fmt: ## Format everything
	@$(GOLANGCI) fmt
	@if [[ -x clientjs/node_modules/.bin/oxfmt ]]; then cd clientjs && npm run --silent fmt; \
	else echo "fmt: skipping the JavaScript: run npm ci in clientjs first"; fi

.PHONY: lint
lint: ## Check formats and lint, Go and JavaScript
	@$(GOLANGCI) run
	@clientjs/scripts/lint.sh

.PHONY: check
check: lint ## What every commit passes: lint and the short tests, under three minutes
	@$(race-note)
	@$(GO) test -short $(RACE) ./...
	@$(MAKE) test-units

.PHONY: test
test: ## Everything: vet, tidy, all tests, the browser check
	@$(GO) vet ./...
	@$(GO) mod tidy -diff
	@cd clientjs && npm ci # first: the Go tests have npm's clients and a browser connect too
	@$(race-note)
	@CHROMIUM=$$(clientjs/scripts/chromium.sh) && export CHROMIUM && $(GO) test $(RACE) -shuffle=on ./...
	@$(if $(RACE),$(GO) test -run 'TestEarthquakes|TestFriends' ./server,:) # whole, where the race detector has them shortened
	@$(MAKE) test-client
	@$(MAKE) test-browser

.PHONY: test-client
test-client: build ## The JavaScript client: machines, chaos, the real server, the package; then in Chromium
	@if [[ ! -d clientjs/node_modules ]]; then cd clientjs && npm ci; fi
	@cd clientjs && npm run --silent build:check && npm test --silent && npm run --silent size && npm run --silent pack
	@cd clientjs && CHROMIUM="$$(scripts/chromium.sh)" npm run --silent test:chromium

.PHONY: test-units
test-units: ## The JavaScript client's machines, without a server or a browser
	@if ! command -v node >/dev/null; then echo "test: skipping the client: node is missing (install Node 20 or later)"; \
	else cd clientjs && if [[ ! -d node_modules ]]; then npm ci; fi && npm run --silent test:unit; fi

.PHONY: test-browser
test-browser: build ## The demo page in Chromium, which is found or installed
	@if [[ ! -d clientjs/node_modules ]]; then cd clientjs && npm ci; fi
	@cd clientjs && npm run --silent test:browser

.PHONY: bench
bench: ## Compare the Go benchmarks of this tree with those of BASE=commit (default HEAD~1; BENCH=regexp and PKG choose)
	@base=$$(mktemp -d); trap 'git worktree remove --force "$$base"' EXIT; \
	git worktree add --quiet --detach "$$base" "$(or $(BASE),HEAD~1)"; \
	mkdir -p bin; : > bin/bench-base.txt; : > bin/bench-tree.txt; \
	for round in $$(seq "$(or $(ROUNDS),6)"); do \
		echo "bench: round $$round"; \
		(cd "$$base" && $(BENCHMARKS)) >> bin/bench-base.txt; \
		$(BENCHMARKS) >> bin/bench-tree.txt; \
	done; \
	$(BENCHSTAT) base=bin/bench-base.txt tree=bin/bench-tree.txt
