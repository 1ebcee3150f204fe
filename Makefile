# fedstack: `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
STACK ?= dev
APP ?= examples/digits
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Settings for Pulumi and OpenNebula: the local cloud's where the user has set none.
ENVIRONMENT = settings="$$(fedstack env)"; eval "$$settings"
PACK = --policy-pack policies $(addprefix --policy-pack-config ,$(wildcard policies/$(STACK).json))
MYPY_FOLDERS := fedstack provider policies components tools benchmarks

.PHONY: help setup up down test lint fmt sdk docs dist image bench stress test-versions clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: ## install everything: .venv, Pulumi, the Flower image (a second call does nothing)
	@$(PYTHON) tools/setup.py

up: setup ## deploy the federation on the local cloud and train once
	@fedstack cloud start
	$(ENVIRONMENT)
	pulumi stack select --create $(STACK) --secrets-provider passphrase >/dev/null
	pulumi up --stack $(STACK) --yes --suppress-permalink=true $(PACK)
	fedstack train $(APP) --stack $(STACK)

down: setup ## destroy the federation and stop the local cloud
	@if fedstack cloud status >/dev/null; then
	  $(ENVIRONMENT)
	  if pulumi stack select $(STACK) 2>/dev/null; then pulumi destroy --stack $(STACK) --yes --suppress-permalink=true; fi
	fi
	fedstack cloud stop

test: lint ## every test
	@pytest -n 2 --dist loadscope $(PYTEST_ARGS)

lint: setup ## ruff and mypy --strict
	@ruff check .
	ruff format --check .
	for folder in $(MYPY_FOLDERS) __main__.py; do mypy $$folder; done

fmt: setup ## format the code and mend what ruff can
	@ruff check --fix .
	ruff format .

sdk: setup ## generate sdks/opennebula from the provider's schema
	@$(PYTHON) tools/sdk.py

docs: setup ## regenerate what comes from the code: in docs/ and in examples/typescript
	@for tool in docs provider_docs typescript; do $(BIN)/python -m tools.$$tool; done

dist: setup ## build the provider's plugin archive and the wheel of its SDK, into dist/
	@$(BIN)/python -m tools.dist

image: setup ## build the VM image (needs packer, qemu): FLAVOUR=standard or edge, CONTEXT_SHA256=..., see images/README.md
	@rm -rf dist/bundle-$(FLAVOUR) dist/images/$(FLAVOUR)
	$(BIN)/python -m tools.bundle $(FLAVOUR) dist/bundle-$(FLAVOUR)
	packer init images/appliance
	packer build -var flavour=$(FLAVOUR) -var bundle=dist/bundle-$(FLAVOUR) -var context_sha256=$(CONTEXT_SHA256) $(PACKER_ARGS) images/appliance

bench: setup ## benchmarks, as ratios, into benchmarks/results.json
	@$(BIN)/python -m benchmarks

stress: setup ## the local cloud under 20,000 hostile requests and 200 kills; 50 kills of pulumi up, 20 races; 1700 programs
	@FEDSTACK_FUZZ=20000 FEDSTACK_KILLS=200 pytest -s $(addprefix tests/integration/localcloud/test_,fuzz.py kills.py concurrency.py) $(PYTEST_ARGS)
	FEDSTACK_UP_KILLS=50 pytest -s tests/integration/provider/test_provider_kills.py $(PYTEST_ARGS)
	FEDSTACK_TRUTH=300 pytest -s tests/integration/provider/test_provider_truth.py $(PYTEST_ARGS)
	FEDSTACK_CONCURRENT_UPS=20 pytest -s tests/acceptance/test_shared_state.py --show-capture=no $(PYTEST_ARGS)

test-versions: setup ## every Flower version: boot, enrol, train; ends with a table (builds two more images)
	@FEDSTACK_FLOWER_VERSIONS="1.25.0 1.31.0 1.36.0" pytest -q -s tests/acceptance/test_versions.py $(PYTEST_ARGS)

clean: ## remove what setup and up made in this folder (not the user's cache)
	@rm -rf .venv .fedstack .mypy_cache .ruff_cache .pytest_cache .hypothesis
