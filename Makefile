# What there is to do: make demo, make test, and what .ci/run needs besides. Only make, a POSIX shell and a Python
# from 3.10 on with venv have to be there.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
TEST_OPTIONS ?= --numprocesses 4
TESTS ?=

.PHONY: demo test test-lowest pictures checkers docs docs-links soak fuzz bench mutants lint format types hooks build check-wheel smoke clean

demo: $(VENV)/sandbox
	@$(BIN)/python examples/demo.py

test: $(VENV)/test
	@$(BIN)/python -m pytest $(TEST_OPTIONS) $(TESTS)

# The tests with the lowest versions of all packages that pyproject.toml allows.
test-lowest: $(VENV)/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --resolution lowest-direct --editable '.[test]'
	$(BIN)/python -m pytest $(TEST_OPTIONS)

# The site, in build/site: no warnings, each link within it leads somewhere, and everything public is on a page.
docs: $(VENV)/docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/site
	SITE=build/site $(BIN)/python -m pytest --quiet tests/site

# What the site links to elsewhere, which needs the network.
docs-links: $(VENV)/docs
	$(BIN)/python -m sphinx --quiet --builder linkcheck docs build/links

# A few minutes of mixed calls under mixed faults, and a report of what became of everything.
soak: $(VENV)/sandbox
	@$(BIN)/python benchmarks/soak.py

# Three minutes of damaged answers to each call of the client library, and a count at the end.
fuzz: $(VENV)/sandbox
	@$(BIN)/python tools/fuzz.py

# What the package costs, beside what it could cost, in about nine minutes; the results go to build/benchmarks.
# BENCH=full lets pyone list 100,000 machines as well, which takes it minutes and gigabytes; BENCH=document writes the
# results into docs/.
bench: $(VENV)/bench
	@$(BIN)/python -m benchmarks $(if $(filter full,$(BENCH)),--full) $(if $(filter document,$(BENCH)),--document)

# Changes in the modules whose promises matter most, one at a time, that a test should notice (docs/mutants.md). MUTANTS
# chooses some, such as MUTANTS='filters waiting'.
mutants: $(VENV)/test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8'
	$(BIN)/python tools/mutants.py $(MUTANTS)

# Pictures of the sandbox's page for the documents, made by a test in a browser (chromium and its chromedriver).
pictures: $(VENV)/test
	$(BIN)/python -m pytest tests/sandbox/web/test_pictures.py
	cp build/pictures/*.webp docs/

# What the tests check that page with, besides a browser: axe-core, and vnu, which needs Java. They come from npm.
checkers:
	npm install --silent --no-audit --no-fund --no-package-lock --prefix tests/sandbox/web/checkers

lint: $(VENV)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/test $(VENV)/lint
	$(BIN)/mypy
	MYPYPATH=examples $(BIN)/mypy --strict examples/*.py examples/batch/batch.py
	$(BIN)/mypy --strict --explicit-package-bases $$(find tests -name '*.py' ! -name 'test_*')

# What git runs before each commit after `.venv/bin/pre-commit install`, on all files.
hooks: $(VENV)/test $(VENV)/lint
	$(BIN)/pre-commit run --all-files

build: $(VENV)/lint
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .

# What would be published: its description, its types for other programs, and whether it works once it is installed.
check-wheel: build
	$(BIN)/python -m twine check --strict dist/*
	$(MAKE) --no-print-directory smoke
	cd dist && ../$(BIN)/mypy --strict --config-file= --python-executable ../$(VENV)-smoke/bin/python ../tests/typed_program.py
	rm -rf $(VENV)-smoke

# The wheel that has been built, and then the sdist, on PYTHON, in an environment where nothing else is.
smoke:
	rm -rf $(VENV)-smoke
	$(PYTHON) -m venv $(VENV)-smoke
	$(VENV)-smoke/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd dist && ../$(VENV)-smoke/bin/python ../tests/check_installation.py
	$(VENV)-smoke/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.tar.gz
	cd dist && ../$(VENV)-smoke/bin/python ../tests/check_installation.py

clean:
	rm -rf $(VENV) $(VENV)-smoke build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Environments: one folder, into which more is installed as it is needed. The stamps say what is there.

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/sandbox: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[deploy,sandbox]'
	@touch $@

$(VENV)/test: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/docs: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs,test]'
	@touch $@

$(VENV)/bench: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

$(VENV)/lint: $(VENV)/made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	@touch $@
