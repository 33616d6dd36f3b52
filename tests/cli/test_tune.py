"""`genbench tune`, and what `[tuned]` is in a run."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.core.interrupts import Interrupted
from genbench.core.seeding import stream

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "tunable.py")
QUICK = ["--jobs", "0", "--quiet", "--plugin", PLUGIN, "--budget", "5"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words, code=0):
    done = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(done.exception, GenbenchError):
        raise done.exception
    assert done.exit_code == code, done.output + str(done.exception)
    return done.output


def study(name="s"):
    return json.loads(Path(f"results/tune/{name}/study.json").read_text())


def run(*words):
    few = ["--seeds", "1,", "--samples", "200", "--metrics", "sliced_w2", "--name", "r"]
    return call("run", *few, *QUICK, *words)


def test_it_finds_the_best_scale_without_a_look_at_the_test_split(here):
    out = call("tune", "stretched", "--data", "sealed", "--trials", "10", "--seeds", "1", "--name", "s", *QUICK)
    found = study()
    (own,) = found["models"]
    assert (found["seeds"], found["budget"], own["metrics"]) == ({"sealed": [0]}, "5", {"sealed": "validation_nll"})
    assert own["space"] == {"scale": "0.25..16:log", "shift": "0..3", "way": "right|wrong"}
    tried = own["configurations"]
    assert len(tried) == 10
    assert tried[0]["params"] == {}, "the default comes first"
    best = tried[own["best"]]
    assert best["params"]["scale"] < 8
    assert best["params"]["way"] == "right"
    assert np.mean(best["scores"]["sealed"]) < np.mean(tried[0]["scores"]["sealed"])
    assert best["behind"] == 0 == min(one["behind"] for one in tried if one["status"] == "ok")
    assert {one["status"] for one in tried if one["params"].get("way") == "wrong"} == {"failed"}
    assert any("went the wrong way" in one["error"] for one in tried)
    assert sum(own["importance"].values()) == pytest.approx(1, abs=0.01)
    for text in (
        "validation NLL (nats)",
        "stretched[tuned]: ",
        "the best of 10 configurations",
        "search-stretched.png",
    ):
        assert text in out
    assert "genbench run --models 'stretched,stretched[tuned]' --data sealed --budget 5" in out
    assert Path("results/tune/s/figures/search-stretched.png").stat().st_size > 10_000


def test_the_score_is_the_nll_of_the_validation_points_of_other_seeds(here):
    call("tune", "stretched[scale=2]", "--trials", "2", "--seeds", "1", "--train", "300", "--name", "s", *QUICK)
    (own,) = study()["models"]
    splits = genbench.load_dataset("moons").splits(stream(100, "data"), genbench.contracts.dataset.Sizes(train=300))
    z = (splits.validation - splits.train.mean(axis=0)) / splits.train.std(axis=0)
    log_prob = (-((z / 2) ** 2) / 2 - math.log(2 * math.sqrt(2 * math.pi))).sum(axis=1)
    expected = -(log_prob - np.log(splits.train.std(axis=0)).sum()).mean()
    assert own["configurations"][0]["scores"]["moons"] == [pytest.approx(expected, abs=1e-5)]
    assert own["given"] == {"scale": 2}
    assert "scale" not in own["space"], "what is given stays"


def test_a_model_without_a_density_is_tuned_by_distance_and_all_get_as_many(here):
    call(
        "tune",
        "blind,stretched",
        "--data",
        "sealed",
        "--trials",
        "3",
        "--seeds",
        "1",
        "--space",
        "scale=1|8,shift=0|1",
        "--name",
        "s",
        *QUICK,
    )
    blind, stretched = study()["models"]
    assert (blind["metrics"], stretched["metrics"]) == (
        {"sealed": "validation_sliced_w2"},
        {"sealed": "validation_nll"},
    )
    for own in (blind, stretched):
        params = [one["params"] for one in own["configurations"]]
        assert len(params) == 3 == len({str(one) for one in params})
        assert all(set(one) == {"scale", "shift"} for one in params[1:])
        assert {"scale": 8, "shift": 0} not in params, "the default is not tried twice"


def test_the_same_command_resumes_and_more_trials_go_on(here, monkeypatch):
    asked = [
        "tune",
        "stretched",
        "--data",
        "sealed",
        "--seeds",
        "1",
        "--space",
        "scale=0.25..16:log",
        "--name",
        "s",
        *QUICK,
    ]
    from genbench.runs.tuning import search

    call(*asked, "--trials", "6")
    whole = study()["models"][0]["configurations"]
    Path("results/tune/s").rename("results/tune/whole")

    train, rounds = search._train, []

    def stops(*arguments):
        rounds.append(arguments)
        if len(rounds) == 2:
            raise Interrupted(2)
        return train(*arguments)

    monkeypatch.setattr(search, "_train", stops)
    call(*asked, "--trials", "6", code=130)
    statuses = [one["status"] for one in study()["models"][0]["configurations"]]
    assert statuses == ["ok"] * 5 + ["asked"], "what was finished is kept"
    monkeypatch.setattr(search, "_train", train)
    times = {file: file.stat().st_mtime_ns for file in Path("results/tune/s/trials").glob("*.json")}
    assert len(times) == 5
    call(*asked, "--trials", "6")
    resumed = study()["models"][0]["configurations"]
    assert [one["params"] for one in resumed] == [one["params"] for one in whole]
    assert [one["scores"] for one in resumed] == [one["scores"] for one in whole]
    assert all(file.stat().st_mtime_ns == time for file, time in times.items()), "nothing is trained twice"
    assert len(list(Path("results/tune/s/trials").glob("*.json"))) == 6
    call(*asked, "--trials", "7")
    assert len(study()["models"][0]["configurations"]) == 7
    with pytest.raises(GenbenchError, match="holds a study of stretched with the space"):
        call("tune", "stretched", "--data", "sealed", "--seeds", "1", "--name", "s", *QUICK)
    with pytest.raises(GenbenchError, match="holds a study of seeds"):
        call(*asked, "--seeds", "2")


def test_default_and_tuned_stand_side_by_side(here):
    with pytest.raises(GenbenchError, match="tune it first: genbench tune stretched --data moons --budget 5"):
        run("--models", "stretched[tuned]")
    call("tune", "stretched", "--trials", "4", "--seeds", "1", "--space", "scale=1|8|16", "--train", "200", *QUICK)
    out = run("--models", "stretched,stretched[tuned]")
    note = "stretched[tuned]: scale=1; the best of 3 configurations on the validation splits of moons"
    assert note in " ".join(out.split())
    assert "Models without [tuned] in their names were not tuned here" in out
    rows = {row["model"]: row for row in json.loads(Path("results/r/leaderboard.json").read_text())}
    tuned = rows["stretched[tuned]"]
    assert tuned["tuned"] == {
        "configurations": 3, "data": ["moons"], "budget": "5", "seeds": {"moons": [100]}, "params": {"scale": 1},
    }  # fmt: skip
    assert rows["stretched"]["tuned"] is None
    assert tuned["metrics"]["sliced_w2"]["mean"] < 0.2 * rows["stretched"]["metrics"]["sliced_w2"]["mean"]
    (trial,) = (
        trial for trial in genbench.load_run("results/r", plugins=[PLUGIN]).trials if trial.model == "stretched[tuned]"
    )
    assert (trial.params["scale"], trial.params["shift"]) == (1, 0), "plain parameters"
    assert note in Path("results/r/leaderboard.md").read_text().replace("  \n", "\n")

    assert "0 of 3 trials would run" in run("--models", "stretched,stretched[tuned]", "--why")
    assert "0 of 3 trials would run" in run(
        "--models", "stretched", "--models", "stretched,stretched[tuned]", "--tuned", "results/tune", "--why"
    )
    typed = run("--models", "stretched[tuned,shift=2]", "--why")
    assert "stretched[shift=2,tuned] on moons, seed 1: no result yet" in typed
    Path("e.toml").write_text('name = "r"\nmodels = ["stretched", {name = "stretched", tuned = true}]\nseeds = [1]\nsamples = 200\n'
                              'metrics = "sliced_w2"\nbudget = 5\ntuned = "results/tune/moons-5"\n')  # fmt: skip
    assert "0 of 3 trials would run" in call("run", "e.toml", "--plugin", PLUGIN, "--why")

    Path("results/tune").rename("elsewhere")
    assert "0 of 3 trials would run" in run("--models", "stretched,stretched[tuned]", "--why"), "its own trials say so"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nothing"], "no model 'nothing'"),
        (["stretched[tuned]"], "is what tuning finds; name the model: genbench tune stretched"),
        (["plain"], "declares no ranges to search; name some: --space"),
        (["oracle"], "is not tuned"),
        (["stretched", "--data", "unheld"], "unheld has no validation split"),
        (["stretched", "--sampler", "tpee"], "no sampler 'tpee'; did you mean tpe"),
        (["stretched", "--trials", "1"], "outside 2 to"),
        (["stretched", "--name", "../x"], "has no folders in it"),
    ],
)  # fmt: skip
def test_a_wrong_request_says_what_is_wrong_and_trains_nothing(words, reason):
    with pytest.raises(GenbenchError, match=reason):
        call("tune", *words, *QUICK)
    assert not list(Path().glob("results/tune/*/trials/*.json"))


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GenbenchError, match=r"pip install 'genbench\[tune\]'"):
        call("tune", "stretched", *QUICK)


BAD_DEFAULT = '''
from typing import Annotated

import torch
from genbench import LogRange, Recipe, TorchModel, register_model


@register_model("lazy", family="tests", likelihood="exact")
class Lazy(TorchModel):
    """An independent normal distribution, whose rate of learning is a millionth."""

    recipe = Recipe(lr=1e-6, warmup=0.0, step_ms=0.2)

    def __init__(self, start: Annotated[float, LogRange(5, 20)] = 10.0):
        self.start = start

    def build(self, shape):
        self.log_scale = torch.nn.Parameter(torch.full(shape, self.start).log())

    def log_prob(self, x):
        return torch.distributions.Normal(0.0, self.log_scale.exp()).log_prob(x).sum(1)

    def training_loss(self, x):
        return -self.log_prob(x).mean()

    def sample(self, n):
        return torch.randn(n, len(self.log_scale)) * self.log_scale.exp()
'''


@pytest.mark.slow
def test_a_bad_default_is_found_out_and_the_tuned_one_leads(here, genbench_cli):
    """Its best deviation is 1; 300 steps of a rate of 1e-6 leave it at 10, at 2 (ln 10 − ½) = 3.6 nats more."""
    Path("lazy.py").write_text(BAD_DEFAULT)
    asked = ["--data", "moons", "--budget", "300", "--plugin", "lazy.py", "--jobs", "2", "--quiet"]
    genbench_cli("tune", "lazy", "--trials", "15", "--name", "s", *asked)
    (own,) = study()["models"]
    default, best = own["configurations"][0], own["configurations"][own["best"]]
    assert best["params"]["lr"] > 1e-3
    assert np.mean(default["scores"]["moons"]) - np.mean(best["scores"]["moons"]) > 2
    genbench_cli(
        "run", "--models", "lazy,lazy[tuned]", "--metrics", "sliced_w2,kl", "--samples", "2000", "--name", "r", *asked
    )
    rows = {row["model"]: row["metrics"] for row in json.loads(Path("results/r/leaderboard.json").read_text())}
    for metric in ("sliced_w2", "kl"):
        assert rows["lazy[tuned]"][metric]["best"]
        assert rows["lazy[tuned]"][metric]["mean"] < 0.5 * rows["lazy"][metric]["mean"]
