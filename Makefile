# make serve   environment, index of the sample articles, chat in the browser
# make test    environment, all tests
# make check   lint and quick tests      make bench  figures for bench/results.md      make train  the reader

PYTHON ?= python3.11
PORT ?= 8000
INDEX ?= verbatim-index
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup serve test check bench train clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

serve: setup
	test -e $(INDEX)/CURRENT || $(BIN)/verbatim index samples --index $(INDEX)
	$(BIN)/verbatim serve --index $(INDEX) --port $(PORT)

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

test: $(VENV)/.tested
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; } || { echo "install Chromium, then: make test"; exit 1; }
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest

check: $(VENV)/.tested
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest tests/unit tests/contract tests/api -q -m "not slow"

clean:
	rm -rf $(VENV) build dist *.egg-info
