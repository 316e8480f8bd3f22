# make test      installs what is missing, runs every test, and says what ran
# make race      the tests once more, under the race detector
# make lint      golangci-lint
# make sim       the simulator for 1,000 fleet-years; says what it did
# make mutants   breaks copies of the watchdog on purpose; the simulator has to notice each
# make bench     the benchmarks
# make bench-report  the benchmarks of docs/performance.md as a table; BENCH=-ten-million for more
# make bench-peers   Prometheus and VictoriaMetrics beside feedwatch, as a table; SERIES=100000 for fewer
# make bench-plot    draws docs/growth.svg: how cost grows from ten thousand to ten million series
# make build     bin/feedwatch
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: test race lint sim mutants bench bench-report bench-peers bench-plot build tools clean

# The Go tools, each pinned. Built into .tools, never into the machine.
gotestsum     := gotest.tools/gotestsum@v1.13.0
kubeconform   := github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
prometheus    := github.com/prometheus/prometheus/cmd/prometheus@v0.316.0
victoria-metrics := github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@v1.150.0
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

# The first time it builds both of them, which takes a quarter of an hour.
bench-peers: $(bin)/prometheus $(bin)/victoria-metrics
	@echo $(prometheus) $(victoria-metrics)
	@.ci/bench-report -peers $(CURDIR)/$(bin) -peers-series $(or $(SERIES),1000000)

# A quarter of an hour and four gigabytes.
bench-plot:
	@.ci/bench-plot docs/growth.svg

build:
	@go build -trimpath -o bin/feedwatch ./cmd/feedwatch

tools: $(bin)/gotestsum $(bin)/kubeconform
	@.ci/install

# Built again when a pin changes, and so when anything in this file does; Go's cache makes that quick.
$(bin)/gotestsum $(bin)/kubeconform $(bin)/golangci-lint $(bin)/govulncheck $(bin)/prometheus $(bin)/victoria-metrics: Makefile
	@echo "building $($(@F))"
	@GOBIN=$(CURDIR)/$(bin) go install $($(@F))
	@touch $@

clean:
	@rm -rf bin .tools
