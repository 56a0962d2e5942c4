# Everything a person does with DotMac on one machine. `make help` lists it.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help up down reset rebuild test bench screens client lock lint css messages trust try-server install-dev \
	install upgrade rollback

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

rebuild: ## Make it anew on an empty machine from a recovery kit: KIT=file, AT="2026-11-29 17:00"
	$(BOOTSTRAP) && exec $(BIN)/python -m dev.up rebuild --kit "$(KIT)" --at "$(AT)"

trust: ## Trust the local certificate authority, so that https:// addresses open
	@exec dev/trust.sh

install: ## Make this machine a server, or repair it: DOMAIN=isp.example APPS_DOMAIN=…; KIT=file makes it a lost one
	$(BOOTSTRAP) && exec $(BIN)/python -m dotmac.server install

upgrade: ## Bring this release (or RELEASE=folder) to serve on a server, without a failed request
	$(BOOTSTRAP) && exec $(BIN)/python -m dotmac.server upgrade

rollback: ## Bring the release before to serve again on a server
	$(BOOTSTRAP) && exec $(BIN)/python -m dotmac.server rollback

test: install-dev ## Run every test; ARGS="tests/core -x" chooses
	@$(BIN)/python -m pytest $(ARGS); code=$$?; \
	$(BIN)/python -m dev.postgres stop var/test-postgres; exit $$code

try-server: install-dev ## Try a server on a Debian that systemd runs: installed, killed, cut off, upgraded, removed
	@exec $(BIN)/python -m pytest tests/server/try_systemd.py -v $(ARGS)

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
