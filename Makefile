# Thin by design: every command is a function in tools/task.py, and works without make
# as `python3 tools/task.py NAME`. TORCH_INDEX chooses another package index for torch;
# `make mutants SEARCH=losses` looks for wrongs of that part which no test catches.
PYTHON ?= python3
export TORCH_INDEX SEARCH

.PHONY: help book test mutants execute figures labs lab serve bench
help book test mutants execute figures labs lab serve bench:
	@$(PYTHON) tools/task.py $@
.DEFAULT_GOAL := help
