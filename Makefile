# Every target sets the machine up first, as far as it needs; the second time that costs a moment.
DEMO ?=
DEMO_MIRROR ?=
E2E ?=
QUICK ?=
BENCH ?=
FUZZ_SECONDS ?= 60
SHELL := /bin/bash
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
# Netboot needs ports below 1024 and raw sockets; the lab makes bridges and namespaces.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E)

.PHONY: help setup demo test e2e e2e-full bench fuzz torture lint locks container-test
help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## system packages, .venv, libvirt with network and pool `default` (asks sudo where it must)
	@packaging/setup.sh

demo: setup ## netboot and install a real Debian here, log in, show it (DEMO=debian-installer, DEMO_MIRROR=DIR|URL)
	@$(AS_ROOT) $(PYTHON) -m provisioner demo $(if $(DEMO),--installer '$(DEMO)') $(if $(DEMO_MIRROR),--mirror '$(DEMO_MIRROR)')

test: ## unit, contract and edge tests (most edges wait more than they reckon: they run beside the rest, and print after)
	@packaging/setup.sh test
	@edges=$$(mktemp); trap 'kill $$beside 2>/dev/null; rm -f $$edges' EXIT; \
	env --default-signal=INT $(PYTEST) tests/edges --ignore=tests/edges/hypervisor >$$edges 2>&1 & beside=$$!; \
	$(PYTEST) tests/unit tests/contract tests/edges/hypervisor tests/fuzz tests/test_house.py tests/test_wheel.py; \
	failed=$$?; \
	wait $$beside || failed=1; cat $$edges; exit $$failed

e2e: ## real boots, one cell of each row (E2E=WORD: only the tests whose name has WORD, e.g. kill9)
	@packaging/setup.sh test
	@$(AS_ROOT) $(PYTEST) tests/lab $(if $(E2E),-k '$(E2E)')

e2e-full: ## real boots, every network with every firmware
	@packaging/setup.sh test
	@$(AS_ROOT) $(PYTEST) tests/lab --every-cell

bench: ## figures, ours beside virt-install, nginx, dnsmasq, other TFTP servers, apt-cacher-ng (BENCH=create|netboot|tftp|dhcp|answers|iso|mirror|lab|bulk|dashboard|storm|reset: one part; QUICK=1)
	@packaging/setup.sh test bench
	@$(AS_ROOT) $(PYTHON) -m tests.bench $(if $(QUICK),--quick) $(if $(BENCH),--only $(BENCH))

fuzz: ## what reads bytes of strangers, fuzzed with coverage (FUZZ_SECONDS=60)
	@packaging/setup.sh test fuzz
	@$(PYTHON) -m tests.fuzz --seconds $(FUZZ_SECONDS)

torture: ## the long loops: a million mutated packets a parser, 100,000 boots, 200 creations killed at every step, the mirror killed 500 times, 20 guests broken from inside
	@packaging/setup.sh test
	@TORTURE=1 $(PYTEST) -k torture --timeout 3600 -s
	@$(AS_ROOT) env TORTURE=1 $(PYTEST) tests/lab -k torture

lint: ## ruff, mypy --strict, shellcheck
	@packaging/setup.sh test
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@git ls-files '*.sh' .ci/run | xargs shellcheck

locks: ## pin the dependencies of pyproject.toml anew
	@packaging/setup.sh test
	@packaging/lock.sh

container-test: ## the image by Containerfile and compose.yaml, up until /readyz answers (skipped without podman)
	@packaging/setup.sh test container
	@$(AS_ROOT) $(PYTEST) tests/container
