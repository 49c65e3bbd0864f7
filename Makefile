# Shortcuts for habits. `scripts/test` and `scripts/up` do all set-up themselves; what
# .ci/run checks, `make check` checks.
BIN := .venv/bin

.PHONY: help check test lint format types docs dashboards rules bench up demo smoke \
	constraints clean
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

check: ## Everything that CI checks
	bash .ci/run

test: ## Run the tests; make test ARGS="tests/panes -x"
	sh scripts/test $(ARGS)

.venv: pyproject.toml constraints.txt scripts/setup
	sh scripts/setup

lint: .venv ## Ruff and shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	shellcheck scripts/setup scripts/test scripts/up .ci/run

format: .venv ## Rewrite what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv ## Strict types
	$(BIN)/mypy
	$(BIN)/mypy scripts/*.py benchmarks/*.py grafana/build.py
	$(BIN)/mypy --explicit-package-bases tests

docs: .venv ## Write the generated pages
	$(BIN)/python -m panewatch.reference

dashboards: .venv ## Write grafana/dashboards/*.json
	$(BIN)/python grafana/build.py

rules: ## Check and test the Prometheus rules and the Alertmanager configuration
	promtool check config prometheus/prometheus.yml
	promtool test rules tests/rules/*.test.yml
	amtool check-config alertmanager/alertmanager.yml

bench: .venv ## Measure against the budgets; make bench ARGS="sweep --output table.md"
	$(BIN)/python benchmarks/all.py $(ARGS)

up: ## Exporter, Prometheus, Alertmanager, Grafana
	sh scripts/up

demo: ## The same with living panes
	sh scripts/up --demo

smoke: ## Start everything on free ports, see it work, end it
	sh scripts/up --smoke

# uv resolves for every platform at once. --no-emit-index-url keeps
# the file free of where the packages came from; the hashes say what they must be.
constraints: ## Resolve all dependencies anew, with hashes
	uv pip compile pyproject.toml --group dev --group bench --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade --quiet --output-file constraints.txt

clean: ## Remove what the scripts made
	rm -rf .venv .run dist build
