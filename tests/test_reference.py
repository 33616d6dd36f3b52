"""The committed runs: the current ones are of today's code, the dated ones name the commit that made them."""

import json
from pathlib import Path

import pytest

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.runs.code import sources_of

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
CURRENT = ("digits-quick", "gan-modes", "moons-quick", "tasks")  # minutes to train: `make reference-current`
DATED = sorted({file.parent.name for file in REFERENCE.glob("*/run.json")} - set(CURRENT))


@pytest.mark.parametrize("name", CURRENT)
def test_a_current_reference_is_of_todays_code(name):
    """A change of code that could change a number has to train it again, or to be proved by benchmarks/restamp.py."""
    discover()
    run = RunData(REFERENCE / name)
    assert run.trials
    assert not run.problems
    assert {file.stem for file in run.store.trials.glob("*.json")} == set(run.record.trials), "older trials are left"
    for trial in run.trials:
        spec = trial.spec
        model, dataset = MODELS[spec.model_name], DATASETS[spec.dataset_name]
        today = sources_of(spec.task, model, spec.params, dataset, spec.metrics)
        assert spec.sources == today, f"{trial.model} on {trial.dataset}: run `make reference-current`"
        assert trial.key == spec.key


@pytest.mark.parametrize("name", DATED)
def test_a_dated_reference_names_the_commit_that_made_it(name):
    commit = json.loads((REFERENCE / name / "run.json").read_text())["environment"]["commit"]
    assert len(commit) >= 12
    assert f"at commit {commit}." in (REFERENCE / name / "leaderboard.md").read_text()
