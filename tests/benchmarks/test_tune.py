"""The tuning script: it sees the train and the validation split and nothing else."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import genbench
from genbench.contracts.dataset import Sizes
from genbench.core.seeding import stream
from genbench.core.selection import parse

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tune.py"

SEALED = '''
"""A dataset whose test split raises when it is looked at."""

import numpy as np

from genbench import RecordedDataset, register_dataset


class SealedSplits:
    def __init__(self, rng):
        self.train, self.validation = rng.normal(5, 2, size=(400, 2)), rng.normal(5, 2, size=(200, 2))

    @property
    def test(self):
        raise RuntimeError("the test split was looked at")


@register_dataset("sealed", family="tests", kind="table")
class Sealed(RecordedDataset):
    """Gaussian points, sealed."""

    shape = (2,)

    def splits(self, seed, sizes=None):
        return SealedSplits(np.random.default_rng(seed))
'''


@pytest.fixture(scope="module")
def tune():
    spec = importlib.util.spec_from_file_location("tune", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["tune"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["tune"]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "sealed.py"
    file.write_text(SEALED)
    return str(file)


def test_synthetic_data_are_as_many_as_asked_for(tune):
    trial = tune.Trial(parse("gaussian"), parse("moons"), seed=1, budget="quick", score="auto", train=50)
    splits = genbench.load_dataset("moons").splits(stream(1, "data"), Sizes(train=50))
    gaussian = multivariate_normal(splits.train.mean(axis=0), np.cov(splits.train.T, ddof=0))
    assert tune.perform(trial).value == pytest.approx(-gaussian.logpdf(splits.validation).mean(), abs=1e-4)


@pytest.mark.parametrize("model", ["gaussian", "gan[hidden=8]"])
def test_the_test_split_is_never_looked_at(tune, sealed, model, capsys):
    assert tune.main([model, "--data", "sealed", "--budget", "5", "--jobs", "0", "--plugin", sealed]) == 0
    assert "2 trainings of 5" in capsys.readouterr().out


def test_synthetic_data_are_not_those_of_a_leaderboard(tune, sealed):
    assert [tune.first_seed(parse(name)) for name in ("moons", "moons[noise=0.1]", "wine")] == [100, 100, 0]
    assert tune.first_seed(parse("sealed"), (sealed,)) == 0


def test_the_score_is_the_nll_of_the_validation_points(tune, sealed, capsys):
    """The entropy of N(5, 2²) in the plane is 2 log(2 √(2πe)) = 4.224 nats; 200 points know it to ± 0.1."""
    trial = tune.Trial(tune.parse("gaussian"), tune.parse("sealed"), 0, "quick", "auto", (sealed,))
    result = tune.perform(trial)
    assert result.score == "nll"
    assert result.value == pytest.approx(2 * math.log(2 * math.sqrt(2 * math.pi * math.e)), abs=0.3)


def test_all_combinations_and_the_present_values(tune):
    specs = tune.combinations(tune.parse("cfm[depth=4]"), ["hidden=64,128", "lr=1e-3,2e-3"])
    assert [dict(s.params) for s in specs] == [
        {"depth": 4},
        {"depth": 4, "hidden": 64, "lr": 1e-3},
        {"depth": 4, "hidden": 64, "lr": 2e-3},
        {"depth": 4, "hidden": 128, "lr": 1e-3},
        {"depth": 4, "hidden": 128, "lr": 2e-3},
    ]


def test_the_table_is_sorted_by_the_mean_distance_to_the_best(tune, capsys):
    def results(model, *values):
        for data, value in zip(("a", "a", "b", "b"), values, strict=True):
            trial = tune.Trial(tune.parse(model), tune.parse(data), 0, "quick", "auto")
            yield tune.Result(trial, "nll", value, 1.0)

    rows = tune.summary([*results("x", 1, 2, 5, 5), *results("y", 1.1, 2.1, 4, 4), *results("z", 0, math.inf, 4, 4)])
    assert [row["model"] for row in rows] == ["y", "x", "z"]
    assert [row["behind"] for row in rows] == [pytest.approx(0.05), pytest.approx(0.5), math.inf]
    assert rows[1]["scores"]["a"] == pytest.approx((1.5, 0.5))
    assert rows[2]["failed"] == 1
    tune.show(rows)
    assert "1 failed" in capsys.readouterr().out


def test_a_wrong_request_says_what_is_wrong(tune, capsys):
    assert tune.main(["gaussian", "--grid", "ridge", "--jobs", "0"]) == 2
    assert "write name=value,value" in capsys.readouterr().err
    assert tune.main(["gaussian", "--grid", "rigde=1", "--jobs", "0"]) == 2
    assert "rigde" in capsys.readouterr().err
