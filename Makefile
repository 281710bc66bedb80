# Everything that one does with this repository by hand. `make` alone lists it.

PYTHON ?= python3
CORES ?= 8
# Processes that share the tests, file by file.
WORKERS ?= 2
# More words for snakemake: ARGS="--directory X --configfile recipes/tiny.yaml", ARGS="--profile profiles/slurm".
ARGS ?=
# Kills of `make kill`, and what their moments follow from.
KILLS ?= 14
SEED ?= 1

VENV := .venv
BIN := $(VENV)/bin
LOCKS := envs/lock-cpu.txt envs/lock-dev.txt
STAMP := $(VENV)/.complete
MADE := results logs .spool .snakemake

.PHONY: help env slurm run resume test test-slurm kill test-faults check docs lock clean

help:
	@echo "make run     install what is needed into .venv, then make results/crps.csv, dice.csv, segmentation.csv, cases.csv and the report"
	@echo "make resume  the same after a run that was killed: takes its lock away and goes on where it stopped;"
	@echo "             both pass ARGS on: make resume ARGS=\"--directory X --configfile recipes/tiny.yaml\""
	@echo "make env     .venv alone; done again only when the locks or pyproject.toml changed"
	@echo "make slurm   what submitting to Slurm needs besides, in .venv (docs/cluster.md)"
	@echo "make test    all tests"
	@echo "make test-slurm  the whole chain through a Slurm of one node, made here and taken down again; needs root; about 5 min"
	@echo "make kill    kill a small run KILLS=14 times at random moments (SEED=1) and compare every file with an undisturbed run; 4 to 7 min"
	@echo "make test-faults  the same run on a full disk and on a read-only one; needs root; about 5 min"
	@echo "make check   formatting, lint, types, and whether generated files are up to date"
	@echo "make docs    write docs/configuration.md and docs/config.schema.json anew"
	@echo "make lock    write envs/lock-*.txt from the versions now in .venv"
	@echo "make clean   delete all that runs have made: $(MADE)"

env: $(STAMP)

# pip, not uv: pip looks into PIP_FIND_LINKS, so that a machine prepared with a CPU wheel of torch==2.13.0 uses that
# file instead of downloading the CUDA build. The stamp is written last: an interrupted install is done again.
$(STAMP): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make env: $(PYTHON) is older than 3.11; give another: make env PYTHON=python3.11" >&2; exit 1; }
	@echo "[1/3] $(VENV): a virtual environment of $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/3] $$(cat $(LOCKS) | grep -c ==) locked packages (torch is most of it; minutes on a slow line)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --progress-bar off \
		$(addprefix --requirement ,$(LOCKS))
	@echo "[3/3] lvpipe itself"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

slurm: $(VENV)/.slurm

# Without dependencies: lock-slurm.txt names all that the others leave out, and nothing that stands may change.
$(VENV)/.slurm: $(STAMP) envs/lock-slurm.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --requirement envs/lock-slurm.txt
	@touch $@

run: env
	$(BIN)/snakemake --cores $(CORES) $(ARGS)

# A killed run leaves a lock that --rerun-incomplete alone does not pass, and perhaps records that were cut off.
resume: env
	$(BIN)/python -m lvpipe.bookkeeping $(ARGS)
	$(BIN)/snakemake --unlock $(ARGS)
	$(BIN)/snakemake --cores $(CORES) $(ARGS)

# loadfile: the workflow tests of a file share a run, so one process does all of them.
test: env
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --ignore tests/faults/test_disk.py

kill: env
	$(BIN)/python tests/faults/kill.py --kills $(KILLS) --seed $(SEED) $(ARGS)

test-faults: env
	$(BIN)/pytest tests/faults

# -rs: without root it is skipped, and says so.
test-slurm: slurm
	$(BIN)/pytest -rs tests/slurm

check: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/pytest tests/unit/test_envs.py tests/unit/config/test_docs.py tests/workflow/test_words.py

docs: env
	$(BIN)/python -m lvpipe.config.docs

# With all extras installed: the versions are read from what is there.
lock: slurm
	$(BIN)/python envs/lock.py

clean:
	find results -mindepth 1 ! -name README.md -delete
	rm -rf $(filter-out results,$(MADE))
