# All commands for work on this project. `make` without a target lists them.

# The first suitable Python on PATH. To use another: make install PYTHON=/path/to/python3.12
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(FITS)' 2>/dev/null && echo "$$python" && break; done; true)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --no-header \
	--no-annotate --generate-hashes --no-emit-index-url pyproject.toml
SAM := SAM_CLI_TELEMETRY=0 $(BIN)/sam
# Checkov has an environment of its own, because it requires an old version of boto3. So have the
# tools of the site: 120 MB that no test, no function and no command imports.
LINT := $(VENV)/lint
LINTED := $(LINT)/.installed
DOCS := $(VENV)/docs
DOCUMENTED := $(DOCS)/.installed
TOOLS_LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
	--generate-hashes --no-emit-index-url
CHECKOV := $(LINT)/bin/checkov --skip-download --compact --quiet
# Files that git does not track, such as notes of your own, do not fail `make check`.
TRACKED = $(or $(wildcard $(shell git ls-files '*.py' 2>/dev/null)),.)
RECEIPTS ?=
SEED ?=
FIRST ?=
HISTORIES ?= 10000
PARTS ?=
LOAD = $(BIN)/python -m loadtest $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(USERS),--writers $(USERS)) $(if $(SHAPE),--shape $(SHAPE)) $(if $(MIX),--mix "$(MIX)") \
	$(if $(SEED),--seed $(SEED)) $(if $(P95),--p95 $(P95)) \
	$(if $(RECEIPTS),--receipts "$(RECEIPTS)")
# The quick tests, which need no local AWS. More may be named: COVERED="tests/unit tests/functional".
COVERED ?= tests/unit tests/property
# A process takes a whole file, so that its tests share a started system. The long files stand in the
# middle and short ones at the end, so that all processes end at about the same time. Tests wait half of
# their time, so that three processes use two cores. The long tests start processes of their own.
test: PROCESSES ?= 3
PROCESSES ?= 2
PYTEST = $(BIN)/pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
TESTS ?= $(wildcard $(addprefix tests/,unit reliability/report e2e infra \
	$(addprefix reliability/,lost_answers crashes outages bounds simulation fuzz mutation soak) \
	$(addprefix functional/,commands test_*.py local_aws examples wheel snapshot chroma) property security))

.DEFAULT_GOAL := help
.PHONY: help install hooks demo docs test test-all pr coverage simulate prove mutate load load-ui bench bench-quick check audit format lock dist check-infra package size invoke up down status clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Make the virtual environment and install all that is needed, once

hooks: $(INSTALLED) ## Let git run the checks of .pre-commit-config.yaml before each commit and push
	$(BIN)/pre-commit install

demo: $(INSTALLED) ## Show the whole system at work; RECEIPTS=file.jsonl takes real receipts
	@$(BIN)/python -m demo $(if $(RECEIPTS),--receipts "$(RECEIPTS)")

docs: $(DOCUMENTED) ## Build the documentation site in build/site; fails on a broken link or reference
	@$(DOCS)/bin/python -m documentation

test: $(INSTALLED) $(LINTED) $(DOCUMENTED) ## Run the tests without the long ones, in under eight minutes; TESTS=path runs some
	$(PYTEST) -m "not long" $(TESTS)

test-all: $(INSTALLED) $(LINTED) $(DOCUMENTED) ## Run every test: campaigns and deployments, too; TESTS=path runs some
	$(PYTEST) $(TESTS)

pr: check test-all ## Run everything that a pull request must pass on a machine without Docker

coverage: $(INSTALLED) ## Measure which lines and branches of src the quick tests run; fails below pyproject.toml's floor
	@rm -rf build/coverage
	@$(BIN)/coverage run -m pytest -q -n 2 --dist loadfile -m "not measured" -o timeout=900 $(COVERED)
	@$(BIN)/coverage run -m tests.reliability.simulation --histories 300 --processes 2
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage html --quiet --fail-under 0
	@$(BIN)/coverage report

simulate: $(INSTALLED) ## Simulate HISTORIES=10000 for MINUTES=, from where the last run stopped; SEED=7 repeats one, FIRST=50000 starts there
	@$(BIN)/python -m tests.reliability.simulation $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED),\
		$(if $(FIRST),--first $(FIRST) --histories $$(($(FIRST) + $(HISTORIES))),\
		--histories $(HISTORIES) --state build/simulation.json))

prove: $(INSTALLED) $(LINTED) $(DOCUMENTED) ## Try to break everything, and write docs/reliability.md (40 minutes); QUICK=1, PARTS="outages soak"
	@$(BIN)/python -m tests.reliability.report $(if $(QUICK),--quick) $(PARTS)

mutate: $(INSTALLED) $(LINTED) ## Change the product in MUTANTS=300 ways and see which no test notices; SEED=1 MINUTES=90 LEAST=0
	@$(BIN)/python -m tests.reliability.mutation $(if $(MUTANTS),--mutants $(MUTANTS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(LEAST),--least $(LEAST))

load: $(INSTALLED) ## Write a load and time readers: RATE=100 SECONDS=60 SHAPE=steady USERS= MIX= RECEIPTS= P95=
	@$(LOAD)

load-ui: $(INSTALLED) ## The same from Locust's page
	@$(LOAD) --ui

bench: package ## Run the benchmarks and compare them with the targets (15 minutes); HUGE=1 adds 100,000 records
	@$(BIN)/python -m benchmarks $(if $(HUGE),--huge)

bench-quick: package ## The same at small sizes, in under five minutes
	@$(BIN)/python -m benchmarks --quick

check: $(INSTALLED) ## Check format, lint, types and imports of what git tracks, and whether the lock fits pyproject.toml
	@echo "ruff format --check, ruff check, mypy, lint-imports"
	@$(BIN)/ruff format --check $(TRACKED)
	@$(BIN)/ruff check $(TRACKED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --cache-dir .cache/imports --no-logo
	@echo "requirements.lock against pyproject.toml"
	@cp requirements.lock $(VENV)/lock.check
	@$(LOCK) --quiet --offline -o $(VENV)/lock.check 2>/dev/null \
		|| $(LOCK) --quiet -o $(VENV)/lock.check
	@cmp -s requirements.lock $(VENV)/lock.check \
		|| { echo "requirements.lock does not fit pyproject.toml: run 'make lock'"; exit 1; }

audit: $(LINTED) ## Look the locked versions up among known vulnerabilities; fails, too, if PyPI can't be asked
	@$(LINT)/bin/python -m tests.security.audit requirements.lock

format: $(INSTALLED) ## Format the code, and repair what lint can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(INSTALLED) ## Resolve what pyproject.toml and requirements-*.in ask for into their locks
	$(LOCK) --quiet -o requirements.lock
	$(TOOLS_LOCK) --quiet requirements-lint.in -o requirements-lint.lock
	$(TOOLS_LOCK) --quiet requirements-docs.in -o requirements-docs.lock

dist: $(INSTALLED) ## Build the sdist and the wheel into build/dist
	@rm -rf build/dist
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir build/dist .
	@ls build/dist

check-infra: package $(LINTED) ## Terraform's own checks and tests, and checkov over it and the built template
	@command -v terraform >/dev/null || { echo "terraform is not on PATH: install it"; exit 1; }
	terraform -chdir=terraform fmt -check -recursive
	terraform -chdir=terraform init -backend=false -input=false >/dev/null
	terraform -chdir=terraform validate
	terraform -chdir=terraform test
	$(SAM) validate --lint --region us-east-1
	$(CHECKOV) --directory terraform --framework terraform
	$(CHECKOV) --file .aws-sam/build/template.yaml --framework cloudformation

package: $(INSTALLED) ## Build both functions' deployment packages for Lambda into .aws-sam/build
	@$(SAM) build

size: package ## Show the packages' sizes; fails past the limits
	@$(BIN)/python -m deployment_package size

invoke: package ## Run all of events/ through `sam local invoke`; needs a Docker engine
	@$(BIN)/python -m local invoke

up: $(INSTALLED) ## Deploy to the local AWS as to AWS: terraform apply, sam build, sam deploy
	@$(BIN)/python -m local deployed

down: $(INSTALLED) ## Stop the local AWS; its data is lost
	@$(BIN)/python -m local down

status: $(INSTALLED) ## Show what runs on the local AWS
	@$(BIN)/python -m local status

clean: ## Stop the local AWS and remove everything that was installed or built
	@if [ -e $(INSTALLED) ]; then $(BIN)/python -m local down; fi
	rm -rf $(VENV) .local .aws-sam .cache build .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info

# Runs once, and again when the lock changes. The lock also pins the installer.
$(INSTALLED): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(FITS)' 2>/dev/null; then \
		echo "Python 3.11, 3.12 or 3.13 is needed, and $(or $(PYTHON),python3) is" \
			"$$(command -v "$(or $(PYTHON),python3)" >/dev/null \
				&& "$(or $(PYTHON),python3)" --version 2>&1 || echo not there)." \
			"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; \
		exit 1; fi
	@echo "[1/4] virtual environment in $(VENV), with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV) || { echo "This Python lacks its venv module: install it" \
		"(on Debian or Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "[2/4] the installer"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes \
		--requirement $(VENV)/uv.txt
	@echo "[3/4] the packages of requirements.lock: some 200 MB, a minute or two"
	@$(BIN)/uv pip sync --python $(BIN)/python --compile-bytecode requirements.lock
	@echo "[4/4] this project"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/%/.installed: requirements-%.lock | $(INSTALLED)
	@echo "[$*] the tools of requirements-$*.in in an environment of their own, $(VENV)/$*"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/$*
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(VENV)/$*/bin/python $<
	@touch $@
