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

.PHONY: help setup up down test lint fmt sdk docs bench stress clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

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

docs: setup ## regenerate the tables in docs/ that come from the code
	@$(BIN)/python -m tools.docs

bench: setup ## benchmarks, as ratios, into benchmarks/results.json
	@$(BIN)/python -m benchmarks

stress: setup ## the local cloud: 20,000 hostile requests, 200 kills, 50 clients at once
	@FEDSTACK_FUZZ=20000 FEDSTACK_KILLS=200 pytest -s $(addprefix tests/integration/localcloud/test_,fuzz.py kills.py concurrency.py) $(PYTEST_ARGS)

clean: ## remove what setup and up made in this folder (not the user's cache)
	@rm -rf .venv .fedstack .mypy_cache .ruff_cache .pytest_cache .hypothesis
