"""`genbench power`: what it prints, what it writes, and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from genbench.api import load_run
from genbench.cli.power import power
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.display.formatting import power_line
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from stored_runs import PLAIN, stored_run
from trial_records import record, spec


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored_run(tmp_path_factory.mktemp("power"), samples=0)


@pytest.fixture(autouse=True)
def _few_repetitions(monkeypatch):
    for module in ("outlook", "seed_plan"):
        monkeypatch.setattr(f"genbench.analysis.{module}.REPETITIONS", 20)
    monkeypatch.setattr("genbench.analysis.seed_plan.CURVE", (2, 3, 5))


def store(path, values):
    """A run by hand: metric -> model -> scores by seed."""
    discover(groups=("metrics",))
    store, keys = Store(path), []
    store.create()
    models = next(iter(values.values()))
    for model, scores in models.items():
        for seed in range(len(scores)):
            one = spec(model=model, model_name=model, seed=seed, metrics=tuple(values))
            trial = record(one, metrics={name: its[model][seed] for name, its in values.items()})
            store.write(trial)
            keys.append(trial.key)
    store.write_run(RunRecord(name=path.name, trials=keys))
    return path


def test_before_a_run_in_a_process_of_its_own(genbench_cli):
    done = genbench_cli("power", "--models", "2", "--factors", "3", "--format", "json")
    found = json.loads(done.stdout)
    (plan,) = found["plans"]
    assert (plan["models"], plan["seeds"], plan["scale"], plan["deviation"]) == (2, [3, 3], "quotient", 0.172)
    assert plan["amounts"][0]["worse_by"] == 3
    assert plan["amounts"][0]["seeds_needed"] in (3, 4)
    assert plan["amounts"][0]["found"] == pytest.approx(0.95, abs=0.06), "simulated 300 times"
    assert plan["error"] == pytest.approx(0.0231, abs=1e-4)
    refused = genbench_cli("power", "--factors", "0.9", check=2)
    assert refused.stderr.strip() == (
        "genbench: error: --factors 0.9 is not above 1; give the amount by which a model is worse"
    )


def test_the_table_and_its_sentence(capsys):
    power(models=2, spread=0.02, factors="1.2", seeds=4)
    out = " ".join(capsys.readouterr().out.split())
    assert "found with 4 seeds" in out
    assert "│ 1.2 × │" in out
    assert "With 4 seeds, a model whose score is 1.0" in out
    assert "times that of the other is called worse in 80 % of runs." in out
    assert "5 degrees of freedom around 0.02." in out


def test_differences_are_in_the_unit_of_the_spread(capsys):
    plans = []
    for unit in (1.0, 1000.0):
        power(models=2, spread=0.02 * unit, differences=f"{0.1 * unit:g}", format="json")
        plans += json.loads(capsys.readouterr().out)["plans"]
    small, large = plans
    assert small["scale"] == large["scale"] == "difference"
    assert large["smallest"] == pytest.approx(1000 * small["smallest"], rel=1e-3)
    assert small["amounts"][0]["seeds_needed"] == large["amounts"][0]["seeds_needed"]


def test_after_a_run_it_plans_by_its_spread_and_says_what_is_open(run, tmp_path, capsys):
    figure = tmp_path / "power.png"
    power(run, data=PLAIN, metric="sliced_w2,kl", format="json", factors="1.5", differences="0.01", figure=figure)
    printed = capsys.readouterr()
    quotient, difference = json.loads(printed.out)["plans"]
    assert (quotient["metric"], quotient["scale"], quotient["unit"]) == ("sliced_w2", "quotient", "data units")
    assert (difference["metric"], difference["scale"], difference["unit"]) == ("kl", "difference", "nats")
    assert quotient["models"] == 4
    assert quotient["amounts"][0]["worse_by"] == 1.5
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {figure}" in printed.err


def test_open_models_get_seeds(tmp_path, capsys):
    scores = {"a": [1.0, 1.1, 0.95], "b": [1.15, 1.2, 1.35], "c": [9.0, 9.9, 8.7]}
    power(store(tmp_path / "r", {"w2": scores}), factors="9")
    out = " ".join(capsys.readouterr().out.split())
    assert "Open: may be best, may be worse" in out
    simulated = float(re.search(r"is ([\d.]+) times that of the 2 others", out)[1])
    below = float(re.search(r"The line below a table of this run says about ([\d.]+) ×", out)[1])
    assert f"is about {below} times that of the 2 others" in power_line(load_run(tmp_path / "r").leaderboard(), "d", [])
    assert np.log(below) == pytest.approx(np.log(simulated), rel=0.6), "of 20 simulated tables"
    row = out[out.index("│ d │ W2 │ b │") :].split("│")
    assert row[4].strip() == "1.21 ×"
    assert 1 <= int(row[6]) <= 20
    assert "│ c │" not in out, "it is worse already"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric": "sliced_w3"}, "no metric 'sliced_w3' in this run; did you mean sliced_w2"),
        ({"data": "plains"}, "no dataset 'plains' in "),
        ({"factors": "1.5,x"}, "--factors 1.5,x is not a list of numbers"),
        ({"differences": "0"}, "--differences 0 is not above 0"),
        ({"probability": "5%"}, "--power 5% is not between"),
        ({"probability": "eighty"}, "--power eighty is not between"),
        ({"spread": 0.1}, "a run has a spread of its own"),
        ({"metric": "kl", "factors": "1.5"}, "kl is compared by differences; use --differences instead"),
        ({"metric": "sliced_w2", "differences": "1"}, "sliced_w2 is compared by factors; use --factors instead"),
        ({"metric": "memorisation"}, "the scores do not vary over seeds"),
        ({"metric": "sliced_w2", "worse": 4}, "--worse 4 of 4 models leaves no model that is better"),
        ({"figure": "power.gif"}, "ends in .png or .svg"),
    ],
)
def test_what_it_refuses_of_a_run(arguments, words, run):
    if "figure" in arguments:
        arguments = {"figure": Path(arguments["figure"])}
    with pytest.raises(GenbenchError, match=words):
        power(run, **arguments)


def test_what_it_refuses_without_a_run(tmp_path):
    for arguments, words in (
        ({"metric": "kl"}, "--metric kl needs a run"),
        ({"spread": -1.0}, "not a standard deviation"),
        ({"differences": "0.1"}, "add --spread"),
        ({"spread": 1.0, "differences": "1", "factors": "2"}, "give only one of them"),
        ({"models": 1}, "--models 1 is too small or too large; give a number from 2 to 200"),
        ({"seeds": 1}, "--seeds 1 is .* give a number from 2 to 50"),
        ({"worse": 0}, "--worse 0 is too small"),
        ({"figure": tmp_path / "nowhere" / "power.png"}, "there is no folder"),
        ({"models": 3, "worse": 3}, "leaves no model"),
        ({"run": tmp_path / "nothing"}, "is not a run"),
    ):
        with pytest.raises(GenbenchError, match=words):
            power(**arguments)


def test_one_seed_has_no_spread(tmp_path):
    one = store(tmp_path / "one", {"w2": {"a": [1.0], "b": [2.0]}})
    with pytest.raises(GenbenchError, match="one seed shows no spread over seeds; run a pilot with --seeds 3"):
        power(one)
    alone = store(tmp_path / "alone", {"w2": {"a": [1.0, 2.0]}})
    with pytest.raises(GenbenchError, match="fewer than two models compete"):
        power(alone)
