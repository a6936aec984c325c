# Everything one does here; bare `make` lists it.

# The first Python on PATH that will do. Another: make install PYTHON=/path/to/python3.12
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(FITS)' 2>/dev/null && echo "$$python" && break; done; true)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --no-header \
	--no-annotate --generate-hashes --no-emit-index-url pyproject.toml
SAM := SAM_CLI_TELEMETRY=0 $(BIN)/sam
RECEIPTS ?=
TESTS ?= $(wildcard $(addprefix tests/,unit property functional simulation infra e2e))

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lock package size invoke up down status clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Make the virtual environment and install all that is needed, once

demo: $(INSTALLED) ## Show the whole system at work; RECEIPTS=file.jsonl takes real receipts
	@$(BIN)/python -m local.demo $(if $(RECEIPTS),--receipts "$(RECEIPTS)")

test: $(INSTALLED) ## Run every test, the quickest kinds first; TESTS=path runs some
	$(BIN)/pytest -n 2 --dist loadgroup $(TESTS)

check: $(INSTALLED) ## Formatting, lint, types, and whether the lock fits pyproject.toml
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@echo "requirements.lock against pyproject.toml"
	@cp requirements.lock $(VENV)/lock.check
	@$(LOCK) --quiet --offline -o $(VENV)/lock.check 2>/dev/null \
		|| $(LOCK) --quiet -o $(VENV)/lock.check
	@cmp -s requirements.lock $(VENV)/lock.check \
		|| { echo "requirements.lock does not fit pyproject.toml: run 'make lock'"; exit 1; }

format: $(INSTALLED) ## Format the code, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(INSTALLED) ## Resolve what pyproject.toml asks for into requirements.lock
	$(LOCK) --quiet -o requirements.lock

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
	rm -rf $(VENV) .local .aws-sam build .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info

# Once, and again when the lock changes. The installer itself is pinned in the lock, too.
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
