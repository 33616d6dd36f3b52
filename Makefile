# One torch thread a process: the parallelism is across processes.
export OMP_NUM_THREADS = 1

PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow lint bench figures fuzz soak dist texts verdicts peers sooner site reference reference-current reference-pictures reference-standard reference-tasks reference-hard clean

demo: .venv/installed  ## install, and run every model on two moons
	$(BIN)/genbench run --models all --data moons

test: .venv/installed-test  ## install, and run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: .venv/installed-test  ## the tests that train to quality
	$(BIN)/python -m pytest -m slow

lint: .venv/installed-dev  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed-test  ## how long the pieces take beside a peer in the same run, and what the reference runs show
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/overhead.py --repeats 1
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/ot_coupling.py
	$(BIN)/python benchmarks/gates.py results/reference/zoo-standard-large results/reference/gan-modes

verdicts: .venv/installed  ## how often verdicts are wrong and what they find, and what races spend, by simulation; an hour
	$(BIN)/python benchmarks/verdicts.py --out results/reference/verdicts.json
	$(BIN)/python benchmarks/verdicts_figure.py docs/verdicts.png
	$(BIN)/python benchmarks/racing.py --out results/reference/racing.json

figures: .venv/installed  ## every figure in small, docs/figures, on data that are trained on in results/figures; half an hour
	$(BIN)/python benchmarks/contact_sheet.py

dist: .venv/installed-test  ## wheel and sdist of the last commit in dist/, the same bytes each time
	$(BIN)/python .ci/dist.py

texts:  ## help, errors, messages, docstrings and captions in one file to read: build/texts.txt
	$(PYTHON) benchmarks/texts.py

fuzz: .venv/installed  ## odd selections, seeds, records, arrays and tables: results or one line; ten minutes
	$(BIN)/python benchmarks/fuzz.py --inputs 100000

soak: .venv/installed  ## 100 random kills of a run, and 200 trials that end in every way: nothing lost, nothing left; half an hour
	$(BIN)/python benchmarks/soak.py --kills 100 --trials 200

SITE = $(wildcard results/reference results/submitted results/repeated)
site: .venv/installed  ## the public leaderboard: the committed runs and what others submitted; docs/submitting.md
	$(BIN)/genbench report $(SITE) -o site --how-to-submit

.PHONY: docs docs-check docs-figures
docs: .venv/installed-docs  ## the documentation, as a site in build/docs
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs build/docs

docs-check: .venv/installed-test  ## the site: its links, in a browser by axe, on a phone, without a script
	GENBENCH_BROWSER=required $(BIN)/python -m pytest tests/docs/test_site.py

docs-figures: .venv/installed  ## the figures of the pages of models, docs/models, from runs in results/families; an hour
	$(BIN)/python benchmarks/family_figures.py

PEERS = $(BIN)/genbench run --models all,peers --data moons,checkerboard,eight_gaussians --seeds 3 --results results/reference
peers: .venv/installed-test  ## ours and models of other libraries in one leaderboard; hours of a quiet machine
	$(PEERS) --budget 20s --name peers-20s
	$(PEERS) --budget 60s --name peers-60s

sooner: .venv/installed-test  ## how much sooner ours reach what published recipes do, three seeds; an hour
	$(BIN)/python benchmarks/peers.py --seeds 3 --out results/reference/peers.json
	$(BIN)/python benchmarks/unet.py

reference: .venv/installed  ## the committed leaderboard, whose table and picture the README shows
	$(BIN)/genbench run --models all --data moons --results results/reference

reference-current: reference reference-tasks  ## the references that match the code at every commit; half an hour of two cores
	$(BIN)/genbench run --models all --data digits --results results/reference
	$(BIN)/genbench run --models gan --data ring,grid --seeds 10 --budget standard --name gan-modes --results results/reference

PICTURES = $(BIN)/genbench run --results results/reference --seeds 1 --timeout 7200
reference-pictures: .venv/installed  ## MNIST, Fashion-MNIST, toy images; two hours of two cores; see `genbench data fetch`
	$(PICTURES) --models all --data fashion_mnist --budget standard --samples 2000 --name fashion_mnist
	$(subst --seeds 1,--seeds 2,$(PICTURES)) --models "cfm[precision=bfloat16,steps=25]" --data mnist --budget 2640s --name mnist-cfm
	$(PICTURES) --models "cfm[autoguidance=1,guide=0,precision=bfloat16,steps=25],cfm[autoguidance=1,conditional=true,guide=0,precision=bfloat16,steps=25]" --data mnist --budget 2640s --name mnist
	$(PICTURES) --models "glow[bins=8,whiten=false,patch=5,couplings=6]" --data mnist --budget 1500s --name mnist
	$(PICTURES) --models "ar[precision=bfloat16]" --data mnist --budget 600s --samples 2000 --name mnist-ar
	$(PICTURES) --models "ar[precision=bfloat16]" --data "mnist[levels=2]" --budget 1200s --name mnist-binarised
	$(PICTURES) --models "vae[hidden=32,depth=2,lr=0.003,precision=bfloat16]" --data "mnist[levels=2]" --budget 2100s --name mnist-binarised
	$(BIN)/python benchmarks/importance.py results/reference/mnist-binarised
	$(BIN)/python benchmarks/toy_images.py --precision bfloat16

TASKS = $(BIN)/genbench run --results results/reference --name tasks --seeds 1
reference-tasks: .venv/installed  ## classify, impute, interpolate, forecast; five minutes of two cores
	$(TASKS) --task classify --models all,naive_bayes --data moons
	$(TASKS) --task classify --models "gaussian[ridge=0.2],kde,naive_bayes,logistic_regression,gradient_boosting" --data digits
	$(TASKS) --task impute --models kde,ar,gmm,coupling_flow,cfm,gan,gaussian --data moons
	$(TASKS) --task interpolate --models "cfm,ddpm,coupling_flow,gan,vae[objective=elbo]" --data moons
	$(TASKS) --task forecast --models "ar_linear[p=12],gaussian,gmm,naive,seasonal_naive" --data "airline[log=true]"

reference-hard: .venv/installed  ## every model on twelve hard problems, one seed; two and a half hours of two cores
	$(BIN)/genbench run --models all --data hard --budget standard --train 200000 --seeds 1 --timeout 14400 --name hard --results results/reference
	$(BIN)/genbench run --task scaling --models gmm,cfm,spline_flow,vae --data "product[copies=4]" --seeds 1 --name scaling --results results/reference

SMOOTH = moons,circles,swiss_roll,eight_gaussians,pinwheel,stretched_gaussian
LARGE = $(BIN)/genbench run --budget standard --train 200000 --name zoo-standard-large --results results/reference
reference-standard: .venv/installed  ## the whole zoo at standard; hours
	$(LARGE) --models all,cnf,maf --data $(SMOOTH),checkerboard
	$(LARGE) --models vp_cfm --data moons,eight_gaussians
	$(LARGE) --models "ddpm[time_embedding=simple]" --data moons,checkerboard
	$(LARGE) --models ar,spline_flow,cfm --data "gaussian_mixture[dim=16]"

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/installed-test: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[test]'
	$(PIP) --no-deps torchcfm  # its own requirements are those of its notebooks
	touch $@ .venv/installed

.venv/installed-docs: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[docs]'
	touch $@ .venv/installed

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps torchcfm  # its own requirements are those of its notebooks
	touch $@ .venv/installed .venv/installed-test
