"""`genbench tune`, and what `[tuned]` is in a run."""

import json
import math
import sys
from dataclasses import replace
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


def test_it_finds_the_best_of_each_model_without_a_look_at_the_test_split(here):
    """Of standardised points the deviation is 1; a model without a density is judged by its samples."""
    space = "scale=1|8,way=right|wrong"
    out = call("tune", "stretched,blind", "--data", "sealed", "--seeds", "1", "--space", space, "--name", "s", *QUICK)
    found = study()
    assert (found["seeds"], found["budget"]) == ({"sealed": [0]}, "5")
    metrics = ("validation_nll", "validation_sliced_w2")
    for own, name, metric in zip(found["models"], ("stretched", "blind"), metrics, strict=True):
        assert (own["model"], own["metrics"], own["space"]) == (
            name,
            {"sealed": metric},
            {"scale": "1|8", "way": "right|wrong"},
        )
        tried = own["configurations"]
        assert len(tried) == 4, "and 8, right is the default, which comes first"
        assert tried[0]["params"] == {}
        best = tried[own["best"]]
        assert best["params"] == {"scale": 1, "way": "right"}
        assert best["behind"] == 0
        assert tried[0]["behind"] > 1
        assert [one["status"] for one in tried if one["params"].get("way") == "wrong"] == ["failed", "failed"]
        assert "went the wrong way" in own["configurations"][-1]["error"] + own["configurations"][-2]["error"]
        assert f"{name}[tuned]: scale=1,way=right; the best of 4 configurations" in out
        assert f"{name}: its space has no more than 4 configurations" in out
        assert Path(f"results/tune/s/figures/search-{name}.png").stat().st_size > 10_000
    assert "validation NLL (nats)" in out
    assert "genbench run --models 'stretched,stretched[tuned],blind,blind[tuned]' --data sealed --budget 5" in out


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


def test_the_same_request_resumes_and_more_trials_go_on(here, monkeypatch):
    from genbench.runs.tuning import search
    from genbench.runs.tuning.request import TuneOptions

    usual = TuneOptions(
        "stretched",
        "sealed",
        6,
        "5",
        "1,",
        "scale=0.25..16:log",
        name="s",
        jobs=0,
        plugins=[PLUGIN],
        progress=False,
        train=300,
    )

    def ask(**more):
        search.tune(replace(usual, **more), lambda text: None)
        return study()["models"][0]["configurations"]

    train, rounds = search._train, []

    def stops(*arguments):
        rounds.append(arguments)
        if len(rounds) == 2:
            raise Interrupted(2)
        return train(*arguments)

    monkeypatch.setattr(search, "_train", stops)
    with pytest.raises(Interrupted):
        ask()
    before = study()["models"][0]["configurations"]
    assert [one["status"] for one in before] == ["ok"] * 5 + ["asked"], "what was finished is kept"
    monkeypatch.setattr(search, "_train", train)
    times = {file: file.stat().st_mtime_ns for file in Path("results/tune/s/trials").glob("*.json")}
    assert len(times) == 5
    resumed = ask()
    assert [one["params"] for one in resumed] == [one["params"] for one in before]
    assert [one["status"] for one in resumed] == ["ok"] * 6
    assert all(file.stat().st_mtime_ns == time for file, time in times.items()), "nothing is trained twice"
    assert len(list(Path("results/tune/s/trials").glob("*.json"))) == 6
    assert len(ask(trials=7)) == 7
    for other, what in (
        ({"space": None}, "stretched with the space"),
        ({"seeds": 2}, "seeds"),
        ({"sampler": "grid"}, "the sampler"),
    ):
        with pytest.raises(GenbenchError, match=f"holds a study of .*{what}.*choose another --name"):
            ask(**other)


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
