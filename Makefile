# make serve   environment, index of the sample articles, chat in the browser
# make test    environment, all tests
# make check   lint and quick tests      make bench  figures for bench/results.md      make train  the reader
# make torture what an index must live through: killed builds, damaged files, 100,000 articles; about 20 minutes

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
INDEX ?= verbatim-index
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup serve test check bench torture train clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@"$(PYTHON)" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer with its venv module is needed; name it with: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
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
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	  { apt-get update -qq && apt-get install -y -qq chromium; } || \
	  { echo "The browser tests need Chromium: install it, then type: make test"; exit 1; }
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest

check: $(VENV)/.tested
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest tests/unit tests/contract tests/api -q -m "not slow"

# INDEX counts only where it was given: the default one is of the sample articles.
bench: $(VENV)/.tested
	$(BIN)/python -m bench $(if $(DATA),--data "$(DATA)") $(if $(filter file,$(origin INDEX)),,--index "$(INDEX)") \
	  $(if $(HF),--hf "$(HF)") $(if $(LONG),--long)

torture: $(VENV)/.tested
	$(BIN)/python -m bench.torture all

train: $(VENV)/.tested
	test -n "$(DATA)" || { echo "name the folder of the training data: make train DATA=..."; exit 1; }
	$(BIN)/python -m training.reader $(DATA) --out runs/reader

clean:
	rm -rf $(VENV) build dist *.egg-info
