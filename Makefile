# Every target sets up what it needs in .venv; `make demo` and `make test` are all there is to learn.

PYTHON := .venv/bin/python
SETUP := scripts/setup pyproject.toml requirements/constraints.txt
SHARED := man/man1/git-deploy.1 man/man1/sartoris.1 \
	bash-completion/completions/git-deploy zsh/site-functions/_git-deploy
RUNS ?= 5
BENCH ?=
SEEDS ?= 100
FIRST ?= $(shell date +%s)

# What is tested is Sartoris, not the signing key, hooks or aliases of whoever runs the tests.
QUIET_GIT := GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

.PHONY: help demo test unit torture coverage check format docs bench clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo     deploy to a small site in a temporary directory, break it, fix it'
	@echo 'make test     everything that must pass: make check, and all tests'
	@echo 'make unit     the tests that are done in two minutes: everything in tests/unit'
	@echo 'make torture  new random stories of deploys, kills and broken targets (SEEDS=100, 200 each),'
	@echo '              and as many on real repositories and targets (a seed that fails: FIRST=seed SEEDS=1)'
	@echo 'make coverage which lines all tests run; at least 90 of 100'
	@echo 'make check    lint, format, types, generated files'
	@echo 'make format   put the code in form'
	@echo 'make docs     write the generated files anew: pages, manuals, completions'
	@echo 'make bench    measure against plain git (RUNS=5; BENCH=--help shows what else)'
	@echo 'make clean    remove the virtual environment and what the tools left'

demo: .venv/installed
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(PYTHON) .venv/bin/sartoris demo

test: check
	$(QUIET_GIT) $(PYTHON) -m pytest -n auto

# Apart: counting lines makes the tests take half as long again.
coverage: .venv/installed-dev
	$(QUIET_GIT) $(PYTHON) -m pytest -n auto --cov --cov-report=term

unit: .venv/installed-dev
	SARTORIS_TORTURE_SEEDS=1 $(QUIET_GIT) $(PYTHON) -m pytest -q -n auto tests/unit

# A seed that fails tells its story again with FIRST=seed SEEDS=1.
torture: .venv/installed-dev
	SARTORIS_TORTURE_FIRST=$(FIRST) SARTORIS_TORTURE_SEEDS=$(SEEDS) $(QUIET_GIT) \
		$(PYTHON) -m pytest -q -n auto tests/unit/actions/test_any_order.py tests/campaign

check: .venv/installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy --scripts-are-modules docs/examples/minimal.sync docs/examples/own_order.sync
	$(PYTHON) -m sartoris.config.reference | diff -u docs/configuration.md - \
		|| { echo 'docs/configuration.md is not current: make docs' >&2; exit 1; }
	$(PYTHON) -m sartoris.event_reference | diff -u docs/events.md - \
		|| { echo 'docs/events.md is not current: make docs' >&2; exit 1; }
	for file in $(SHARED); do $(PYTHON) -m sartoris.cli.manual $$file | diff -u share/$$file - \
		|| { echo "share/$$file is not current: make docs" >&2; exit 1; }; done

format: .venv/installed-dev
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

docs: .venv/installed
	$(PYTHON) -m sartoris.config.reference > docs/configuration.md
	$(PYTHON) -m sartoris.event_reference > docs/events.md
	$(PYTHON) -m sartoris.cli.manual --all share

bench: .venv/installed
	$(QUIET_GIT) $(PYTHON) -m benchmarks --runs $(RUNS) $(BENCH)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage .coverage.*

.venv/installed: $(SETUP)
	scripts/setup

.venv/installed-dev: $(SETUP)
	scripts/setup dev
