# One command on a fresh clone: `make demo`, `make test` or `make check`.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := check

PYTHON     ?= python3
# pytest-xdist processes: one more than two cores have, for the tests of whole stacks wait a lot.
WORKERS    ?= 3
UV_VERSION := 0.13.8
UV_HOME    := .tools/uv-$(UV_VERSION)
UV         := $(UV_HOME)/bin/uv
BIN        := .venv/bin
SYNCED     := .venv/.synced
PEERS      := .venv-peers/.synced

export UV_PYTHON := $(PYTHON)
export UV_PYTHON_DOWNLOADS := never

.PHONY: setup demo serve test test-deep test-gpu check docs bench faults peers cover format lock clean

setup: $(SYNCED)  ## .venv matches requirements/dev.txt

$(UV):  # a virtual environment from the standard library, holding uv and nothing else
	$(PYTHON) -m venv $(UV_HOME)
	$(UV_HOME)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(SYNCED): $(UV) pyproject.toml requirements/dev.txt
	$(UV) venv --quiet --allow-existing .venv
	$(UV) pip sync --quiet --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(SYNCED)  ## upload the sample, export framing and overlay, check both files
	$(BIN)/cutroom demo

serve: $(SYNCED)  ## gateway, object store, RunPod emulator; writes build/serve.json
	$(BIN)/cutroom serve

# In the order of the folders: the long files of `tests/e2e` come early, and short ones last,
# so that no process is left alone with a long one.
test: $(SYNCED)  ## what CI runs
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-deep: $(SYNCED)  ## a thousand games of the life of jobs, each another than in `make test`
	HYPOTHESIS_PROFILE=deep $(BIN)/pytest -n 0 --timeout 7200 tests/invariants/test_jobs_add_up.py tests/unit/test_lifecycle_machine.py

# On a machine with an NVIDIA driver, which is the one part of it that no package brings.
test-gpu: $(SYNCED)  ## what needs a GPU: its tests, and its figures into build/bench.json
	$(UV) pip install --quiet --require-hashes -r requirements/gpu.txt
	$(BIN)/pytest -n 0 -m gpu tests/gpu
	$(BIN)/python -m bench gpu_framing_wall_vs_cpu gpu_psnr_db

check: $(SYNCED)  ## everything a reviewer would ask for
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

docs: $(SYNCED)  ## docs/settings.md, docs/openapi.json and docs/api.md, from the code
	$(BIN)/python -m gateway.settings.page
	$(BIN)/python -m gateway.entrypoints.api_documents docs

faults: $(SYNCED)  ## break everything, see what is kept; writes build/faults.json
	@$(BIN)/python -m infra.local.faults

bench: $(SYNCED)  ## paired benchmarks; writes build/bench.json
	@$(MAKE) --no-print-directory peers || echo "peers are not installed: their figures are not run"
	$(BIN)/python -m bench

peers: $(PEERS)  ## what benchmarks compare with, in an environment of its own

$(PEERS): $(UV) requirements/peers.txt
	$(UV) venv --quiet --allow-existing .venv-peers
	$(UV) pip sync --quiet --require-hashes --python .venv-peers requirements/peers.txt
	@touch $@

cover: $(SYNCED)  ## branch coverage of the three packages
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term

format: $(SYNCED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Locks carry versions and hashes, no addresses: they resolve through whatever index the user has.
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml
lock: $(UV)  ## what each image installs; neither gets the other's libraries
	mkdir -p requirements
	$(COMPILE) --extra dev -o requirements/dev.txt
	$(COMPILE) --extra gateway -o requirements/gateway.txt
	$(COMPILE) --extra worker --excludes requirements/worker-excludes.txt -o requirements/worker.txt
	$(COMPILE) --extra cli -c requirements/dev.txt -o requirements/cli.txt
	$(COMPILE) --extra worker --extra gpu -c requirements/dev.txt --excludes requirements/worker-excludes.txt -o requirements/gpu.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate requirements/peers.in -o requirements/peers.txt

clean:
	rm -rf .venv .venv-peers .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
