# Everything a person does with DotMac on one machine. `make help` lists it.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help up down reset test bench screens client lock lint css messages trust install-dev

BIN := .venv/bin
BOOTSTRAP := @./dev/python.sh -m dev.install

# Any free port for the tests' own database.
export TEST_DATABASE_PORT ?= 0

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

up: ## Install, start the platform and stay; Ctrl-C ends it
	$(BOOTSTRAP) && exec $(BIN)/python -m dev.up

down: ## End the platform from another terminal; Docker and its containers stay
	@if [ -x $(BIN)/python ]; then exec $(BIN)/python -m dev.up down; else echo "  Nothing runs here."; fi

reset: ## End it and delete its files and containers; asks unless FORCE=1
	$(BOOTSTRAP) && exec $(BIN)/python -m dev.up reset

trust: ## Trust the local certificate authority, so that https:// addresses open
	@exec dev/trust.sh

test: install-dev ## Run every test; ARGS="tests/core -x" chooses
	@$(BIN)/python -m pytest $(ARGS); code=$$?; \
	$(BIN)/python -m dev.postgres stop var/test-postgres; exit $$code

bench: install-dev ## Measure and write docs/benchmarks.md
	@exec $(BIN)/python -m tests.bench $(ARGS)

screens: install-dev ## Drive a browser through the story and save docs/screens
	@exec $(BIN)/python -m tests.screens $(ARGS)

lint: install-dev ## Run every check; names the failed ones at the end
	@dev/lint/run.sh; code=$$?; \
	$(BIN)/python -m dev.postgres stop var/test-postgres; exit $$code

lock: install-dev ## Pin requirements.in and requirements-dev.in with hashes
	@uv=$$(command -v uv || echo $(BIN)/uv); \
	for name in requirements requirements-dev; do \
		"$$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
			$(ARGS) $$name.in -o $$name.txt && echo "  ✓ $$name.txt" || exit 1; \
	done

client: install-dev ## Make typed Python packages for the API in var/client
	@exec $(BIN)/python -m dev.api_client $(ARGS)

css: install-dev ## Build static/css from static/src
	@exec dev/css.sh $(ARGS)

messages: install-dev ## Extract the texts into locale/, compile them, list what lacks a translation
	@exec $(BIN)/python -m dev.messages

install-dev:
	$(BOOTSTRAP) --dev
