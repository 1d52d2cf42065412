# Everything that this repository can do: `make` or `make help` lists it.
#
# PYTHON=python3.12 names the interpreter to use; BENCH="oneshot script" picks benchmarks.

VENV := .venv
BENCH_VENV := .venv-bench
PY := $(VENV)/bin/python
SOURCES := $(shell find qmpsh -name '*.py' 2>/dev/null)

# Test files at a time: they wait for VMs and screens more than they work.
JOBS ?= 4

# Whole files, whose tests share a VM; in the order of tests/conftest.py.
DIST := --dist loadfile --no-loadscope-reorder

# What the tests call, installed by `make test`; tests/test_programs.py holds the list.
TEST_PROGRAMS := qemu-system-x86_64 qemu-img qemu-storage-daemon qemu-ga tmux groff less bash zsh \
	fish socat openssl ssh sshd ssh-keygen ps ip clush \
	ansible ansible-inventory cpio depmod

# What pytest left there was not tested.
NOT_TESTED := .pytest_cache/d/not-tested/list

# How long to soak, and which load: all side by side, `session`, `sharing`, `events`, or `top` (20 VMs; `top 100`).
MINUTES ?= 30
SOAK ?=

# What all of `make fuzz` follows from; the run names it.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

# Rooms that decide without a socket: their branches are all testable, and tested.
PURE := qmpsh/protocol/*,qmpsh/language/*,qmpsh/schema/*,qmpsh/complete/*

# Bytecode is kept, or each of the many processes that the tests start would compile it anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test check lint types bytecode fuzz conformance soak bench bench-programs bench-page dist screenshots recordings docs fresh guest qemu-next clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed ## a shell on a virtual machine of its own (qmpsh run); installs what it needs
	@scripts/demo.sh "$(CURDIR)/$(VENV)/bin/qmpsh"

# The emulators that the tests run with: the system's, and the newer one where there is one. The
# shell looks, when it is their turn: make has looked before either was installed.
QEMUS = $$(command -v qemu-system-x86_64):$$(ls "$(CURDIR)/.qemu-next/qemu-system-x86_64" 2>/dev/null)

test: $(VENV)/.installed-dev ## lint, types, all tests with coverage; installs what they need
	@scripts/need.sh --optional $(TEST_PROGRAMS)
	@scripts/libvirt.sh --optional $(VENV)
	@scripts/qemu-next.sh --optional
	@scripts/guest.sh --optional
	@$(MAKE) --no-print-directory -j 2 lint types bytecode
	$(PY) -m coverage erase
	QMPSH_TEST_QEMUS="$(QEMUS)" $(PY) -m coverage run -m pytest -n $(JOBS) $(DIST) --durations=30 --durations-min=3
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --skip-covered --fail-under=85
	$(PY) -m coverage report --skip-covered --fail-under=95 --include='$(PURE)'
	@cat $(NOT_TESTED)

check: lint types ## lint, types and the fast tests: before each commit
	$(PY) -m pytest -q -m "not tmux" -n $(JOBS) $(DIST)

lint: $(VENV)/.installed-dev ## ruff: rules and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/.installed-dev ## mypy, strict
	$(PY) -m mypy

# The test files as pytest runs them, compiled once; each of its JOBS would do so for itself.
bytecode: $(VENV)/.installed-dev
	@$(PY) -m pytest --collect-only -qq >/dev/null 2>&1 || : # the run of the tests says why

fuzz: $(VENV)/.installed-dev ## ten million inputs (SEED) for all that reads text: drawn, and known ones changed
	$(PY) -m pytest -q -m "hypothesis or mutation" --hypothesis-profile=fuzz --hypothesis-seed=$(SEED) -n $(JOBS)

conformance: $(BENCH_VENV)/.installed ## what manuals and schemas say, qmp-shell and qemu.qmp do: all of it here as well
	@scripts/qemu-next.sh --optional
	@$(BENCH_VENV)/bin/python -m tests.conformance

soak: $(VENV)/.installed-dev ## 30 minutes (MINUTES) of mixed loads with kills, freezes and events: what is held is flat
	@scripts/need.sh qemu-system-x86_64
	QMPSH_TEST_QEMUS="$(QEMUS)" $(PY) -m tests.soak $(MINUTES) $(SOAK)

bench-programs: $(BENCH_VENV)/.installed
	@scripts/need.sh qemu-system-x86_64 socat openssl
	@scripts/need.sh --optional valgrind
	@scripts/libvirt.sh --optional $(BENCH_VENV)

bench: bench-programs ## speed, beside qmp-shell and others in the same run
	@$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

bench-page: bench-programs ## the same, into docs/dev/BENCHMARKS.md
	@failed=0; table=$$($(BENCH_VENV)/bin/python -m benchmarks --markdown) || failed=$$?; \
		printf '%s\n' "$$table" | $(BENCH_VENV)/bin/python scripts/bench_page.py && exit $$failed

screenshots: $(VENV)/.installed-dev $(BENCH_VENV)/.installed ## the drawings of docs/screenshots/, from real screens
	@scripts/need.sh qemu-system-x86_64
	$(PY) -m scripts.screenshots

recordings: $(VENV)/.installed-dev ## the VM of the demo for machines without QEMU, recorded from a real one
	@scripts/need.sh qemu-system-x86_64 tmux
	@scripts/qemu-next.sh --optional
	QMPSH_TEST_QEMUS="$(QEMUS)" $(PY) -m scripts.recordings

docs: $(VENV)/.installed-dev ## the manual page, the tables of docs/ and completions/, from the program's own
	$(PY) scripts/docs.py
	$(PY) scripts/completions.py

dist: ## wheel and sdist, installed and tried with every Python at hand; needs a package index
	@scripts/dist.sh

fresh: ## make demo and make test on a bare Debian in a chroot (root, Debian; half an hour)
	@scripts/fresh.sh

guest: ## a small Linux in .guest/, which the tests run in their VMs
	@scripts/need.sh cpio depmod qemu-ga
	@scripts/guest.sh

qemu-next: ## a newer QEMU in .qemu-next/, to test with as well
	@scripts/qemu-next.sh

clean: ## remove all that was made here
	rm -rf $(VENV) $(BENCH_VENV) .qemu-next .guest build dist htmlcov .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml scripts/venv.sh
	@scripts/venv.sh $(VENV) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml scripts/venv.sh
	@scripts/venv.sh $(VENV) --editable '.[dev]'
	@touch $(VENV)/.installed $@

# Not editable: what is timed is what a user gets.
$(BENCH_VENV)/.installed: pyproject.toml scripts/venv.sh $(SOURCES)
	@scripts/venv.sh $(BENCH_VENV) . qemu.qmp
	@touch $@
