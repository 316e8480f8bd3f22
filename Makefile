# make test      installs what is missing, runs every test, and says what ran
# make race      the tests once more, under the race detector
# make lint      golangci-lint
# make sim       the simulator for 1,000 fleet-years; says what it did
# make mutants   breaks copies of the watchdog on purpose; the simulator has to notice each
# make bench     the benchmarks
# make bench-report  the benchmarks of docs/performance.md as a table; BENCH=-ten-million for more
# make build     bin/feedwatch
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: test race lint sim mutants bench bench-report build tools clean

# The Go tools, each pinned. Built into .tools, never into the machine.
gotestsum     := gotest.tools/gotestsum@v1.13.0
kubeconform   := github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

bin := .tools/bin

test: tools
	@go vet ./...
	@.ci/test test; status=$$?; .ci/versions; exit $$status

race: tools
	@.ci/test race -race

lint: $(bin)/golangci-lint
	@$(bin)/golangci-lint run --allow-parallel-runners ./...

# Half an hour on two cores; without a package named, go test shows its progress. YEARS and FROM (the
# first seed) choose others.
sim:
	@cd watchdog/sim && go test -count=1 -timeout 0 -run '^TestSeeds$$' -days 365 -years $(or $(YEARS),1000) -from $(or $(FROM),100000)

mutants:
	@go test -count=1 -timeout 20m -run '^TestMutants$$' ./watchdog/sim -mutants

bench:
	@go test -run '^$$' -bench . -benchmem ./...

bench-report:
	@.ci/bench-report $(BENCH)

build:
	@go build -trimpath -o bin/feedwatch ./cmd/feedwatch

tools: $(bin)/gotestsum $(bin)/kubeconform
	@.ci/install

# Built again when a pin changes, and so when anything in this file does; Go's cache makes that quick.
$(bin)/gotestsum $(bin)/kubeconform $(bin)/golangci-lint $(bin)/govulncheck: Makefile
	@echo "building $($(@F))"
	@GOBIN=$(CURDIR)/$(bin) go install $($(@F))
	@touch $@

clean:
	@rm -rf bin .tools
