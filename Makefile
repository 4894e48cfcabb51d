# Needs Python 3.11 or later and make; brings the rest. `make help` lists what there is.

PYTHON ?= python3
JOBS ?= 2
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin
SOURCES := $(shell find certdde solvers verify -name '*.py' -o -name '*.lark' -o -name 'py.typed' 2>/dev/null)

export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV

# uv reads its own variables only: hand over where pip has been told to look.
comma := ,
empty :=
space := $(empty) $(empty)
ifneq ($(strip $(PIP_FIND_LINKS)),)
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
endif
ifneq ($(strip $(PIP_INDEX_URL)),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(strip $(PIP_EXTRA_INDEX_URL)),)
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
endif

.PHONY: help setup demo test test-slow lint format docs clean
.DELETE_ON_ERROR:

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready ## make .venv with everything that the targets below need

demo: .venv/.ready ## certify examples/hutchinson.toml, write the report and check the certificate
	$(BIN)/certdde certify examples/hutchinson.toml -o out/demo
	$(BIN)/certdde check out/demo/certificate.certdde

test: .venv/.ready ## the default tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadscope

test-slow: .venv/.ready ## the tests that take longer
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadscope -m 'slow and not gpu'

lint: .venv/.ready .lint/.ready ## formatting, lint, spelling, layers, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/typos
	$(BIN)/validate-pyproject pyproject.toml
	cd .lint/site && ../../$(BIN)/lint-imports ../../pyproject.toml --cache-dir ../imports
	cd .lint/site && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy \
	  --python-executable ../../$(BIN)/python -p certdde.verify.checker -p certdde.certificates -p certdde.systems

format: .venv/.ready ## format and mend what can be mended
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

docs: .venv/.ready ## build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

clean: ## remove what the targets make, but not .venv
	rm -rf .lint build dist site out

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet 'uv>=0.8'

.venv/.ready: pyproject.toml $(UV)
	$(UV) sync --quiet --inexact --extra lirpa --extra export
	@touch $@

# The layers and the types are read from the installed package: in the working tree two of its folders lie elsewhere.
.lint/.ready: pyproject.toml $(UV) $(SOURCES) .venv/.ready
	rm -rf .lint/site build
	$(UV) pip install --quiet --no-deps --target .lint/site .
	@touch $@
