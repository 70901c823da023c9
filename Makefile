# Each target does all of its own set-up, in a virtual environment of its own (.venv).
#   make chat    a conversation with the demo model
#   make test    the whole test suite
#   make lint    ruff and mypy

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
VENV := .venv
INSTALLED := $(VENV)/installed

.PHONY: chat test lint clean
.DEFAULT_GOAL := chat

chat: $(INSTALLED)
	@$(VENV)/bin/xverse-chat --demo

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest -n 2 --dist loadscope

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) build dist src/*.egg-info

$(INSTALLED): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found." \
	"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON): some minutes the first time, torch is large."
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment." \
	"On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(VENV)/bin/python -m pip install --disable-pip-version-check -r requirements.txt
	@$(VENV)/bin/python -m pip install --disable-pip-version-check -q --no-deps -e .
	@touch $(INSTALLED)
