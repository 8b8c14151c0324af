# Every command of the README; `make help` lists them.
PYTHON ?= python3.11
JOBS ?= 2
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS := bauschinger coarse_graining bond_expansion polarity creep
EXECUTED := $(NOTEBOOKS:%=book/notebooks/%.ipynb)
CODE := $(shell find glasslib -name '*.py')
DATA := $(filter-out data/benchmarks.json,$(shell find data -type f))
PAGES := $(wildcard book/*.md) $(shell find book/_static book/_extensions -type f -not -name '*.pyc')

PARTS := book/measured/rates.md book/measured/sheared_glass.md
ENGINE := glasslib/sheared_glass.py glasslib/live.py glasslib/live_picture.py $(shell find glasslib/particles glasslib/protocols -name '*.py')

.DELETE_ON_ERROR:
.PHONY: book test lab benchmark serve clean help

book: ## Build the book: _build/html/index.html
	@$(MAKE) --no-print-directory $(VENV)/installed
	@$(MAKE) --no-print-directory --jobs=$(JOBS) --keep-going $(EXECUTED) book/scorecard.md $(PARTS)
	@$(MAKE) --no-print-directory _build/html/index.html
	@echo "The book is in _build/html/index.html"

test: $(VENV)/installed ## Run all tests
	@$(MAKE) --no-print-directory book
	$(BIN)/python -m pytest -m "not alone" --numprocesses=$(JOBS) --dist=loadfile
	$(BIN)/python -m pytest -m alone

lab: $(VENV)/installed ## Open JupyterLab on the notebooks
	GLASSLIB_LIVE=widget $(BIN)/jupyter lab --notebook-dir=notebooks

benchmark: $(VENV)/installed ## Measure the engines against other programs: data/benchmarks.json
	$(BIN)/python -m benchmarks

serve: book ## Show the book on localhost
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

clean: ## Remove everything that was built, .venv included
	rm -rf $(VENV) _build book/notebooks book/measured book/scorecard.md

help: ## List these commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 18

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	@touch $@

book/notebooks/%.ipynb: notebooks/%.ipynb $(CODE) $(DATA) $(VENV)/installed
	@$(BIN)/python -m glasslib.book execute $< $@

book/scorecard.md: $(CODE) $(DATA) $(VENV)/installed
	@$(BIN)/python -m glasslib.book scorecard $@

book/measured/rates.md: glasslib/benchmark_page.py glasslib/figures.py glasslib/papers/convention.py \
		$(wildcard data/benchmarks.json data/cutoff_convention.npz) $(VENV)/installed
	@$(BIN)/python -m glasslib.book measured $(@D)

book/measured/sheared_glass.md: $(ENGINE) $(VENV)/installed
	@$(BIN)/python -m glasslib.book sheared_glass $@

# From scratch each time: Sphinx forgets the warnings of a page that it does not read again.
_build/html/index.html: _config.yml _toc.yml $(EXECUTED) book/scorecard.md $(PARTS) $(PAGES) $(VENV)/installed
	@rm -rf _build
	$(BIN)/jupyter-book build . -W -n --keep-going --quiet || (rm -rf _build/html; exit 1)
	@test -f $@
