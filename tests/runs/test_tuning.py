"""The parts of a search: its space, what is proposed, and how configurations are judged."""

import pytest

from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.core.selection import parse
from genbench.runs.tuning.proposals import importance, proposed
from genbench.runs.tuning.scoring import rank
from genbench.runs.tuning.space import Space, read_space
from genbench.storage.studies import Configuration, ModelStudy

discover(groups=("models",))


def space(text, model="cfm"):
    chosen = parse(model)
    return Space.of(MODELS[chosen.name], chosen, read_space(text))


def ok(behind=0.0, **params):
    return Configuration(params=params, status="ok", behind=behind, scores={"d": [behind]})


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("lr=1e-4..1e-2:log", {"lr": "0.0001..0.01:log"}),
        (" hidden = 64|128 , depth=1..4", {"hidden": "64|128", "depth": "1..4"}),
        ("noise=.5..1.5,sigma=none|0.1", {"noise": "0.5..1.5", "sigma": "none|0.1"}),
        ("source=noise|moons,time_mean=-1..2", {"source": "noise|moons", "time_mean": "-1..2"}),
    ],
)
def test_a_space_is_read_and_written(text, written):
    found = {name: str(where) for name, where in read_space(text).items()}
    assert found == written
    assert {
        name: str(where) for name, where in read_space(",".join(f"{k}={v}" for k, v in found.items())).items()
    } == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("lr", "cannot be read; write lr="), ("", "is empty"), ("lr=1", "leave nothing to search"), ("lr=2..1", "the lower one first"),
        ("lr=0..1:log", "start it above 0"), ("lr=1e-3|", "a value is missing"), ("lr=a..b", "no finite numbers|is empty"),
        ("lr=1..2:lin", "leave nothing to search"), ("hidden=1.5|2", "hidden must be a whole number"), ("hidden=0..4", "at least 1"),
        ("hiden=1|2", "no parameter 'hiden' to search; did you mean"),
    ],
)  # fmt: skip
def test_a_space_that_cannot_be_is_refused(text, reason):
    with pytest.raises(GenbenchError, match=reason):
        space(text)


def test_what_is_given_is_not_searched():
    assert space("hidden=64|128,depth=1..3", "cfm[depth=2]").written() == {"hidden": "64|128"}


def test_a_grid_is_even_and_small_enough():
    points = space("lr=1e-4..1e-2:log,hidden=64|128").grid(7)
    assert [(one["lr"], one["hidden"]) for one in points] == [(lr, h) for lr in (1e-4, 1e-3, 1e-2) for h in (64, 128)]
    assert [one["depth"] for one in space("depth=1..3").grid(100)] == [1, 2, 3], "there are no more"
    with pytest.raises(GenbenchError, match="give more --trials"):
        space("lr=1e-4..1e-2:log,hidden=64|128,depth=1..4").grid(7)


def test_what_may_change_the_cost_of_a_step_has_it_measured():
    """So that a named budget is as long for every configuration."""
    both, rate = space("lr=1e-4..1e-2:log,hidden=64|128"), space("lr=1e-4..1e-2:log,ema=0.9..0.999")
    assert dict(both.params({"lr": 1e-3, "hidden": 64})) == {"lr": 1e-3, "hidden": 64, "step_ms": None}
    assert dict(rate.params({"lr": 1e-3, "ema": 0.99})) == {"lr": 1e-3, "ema": 0.99}


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_proposals_are_new_within_the_space_and_a_function_of_what_was_tried(sampler):
    where = space("lr=1e-4..1e-2:log,hidden=64|128,depth=1..2")
    tried = [ok(1.0), ok(0.5, lr=1e-3, hidden=64, depth=1)]
    points = proposed(where, tried, None, sampler, 6, 16)
    assert points == proposed(where, tried, None, sampler, 6, 16)
    assert len({str(point) for point in points}) == 6
    assert where.point(tried[1].params) not in points
    for point in points:
        assert 1e-4 <= point["lr"] <= 1e-2
        assert point["hidden"] in (64, 128)
        assert point["depth"] in (1, 2)


def test_a_space_of_few_points_is_exhausted():
    where = space("hidden=64|128,depth=1..2")
    points = proposed(where, [ok()], {"hidden": 64, "depth": 1}, "tpe", 10, 30)
    assert sorted(map(str, points)) == sorted(str({"hidden": h, "depth": d}) for h, d in ((64, 2), (128, 1), (128, 2)))


def test_the_search_goes_where_it_is_good_and_says_what_matters():
    """|log10 lr + 3| is 1 in the mean over four decades; after 25 random ones, TPE's next ones are nearer. Fixed seeds."""
    from math import log10

    def judged(point):
        return ok(abs(log10(point["lr"]) + 3), **point)

    where = space("lr=1e-5..1e-1:log,depth=1..8")
    tried = [ok(2.0), *map(judged, proposed(where, [ok()], None, "random", 24, 100))]
    for _ in range(4):
        tried += map(judged, proposed(where, tried, None, "tpe", 5, 100))
    assert sum(one.behind for one in tried[25:]) / 20 < 0.6
    shares = importance(where, tried, None)
    assert next(iter(shares)) == "lr"
    assert shares["lr"] > 0.7
    assert importance(where, tried[:5], None) == {}, "too few"


def test_datasets_count_alike_and_the_default_wins_ties():
    nll, far = {"a": "validation_nll", "b": "validation_sliced_w2"}, {"a": [1.0, 3.0], "b": [0.1]}
    study = ModelStudy(model="m", model_name="m", space={}, sampler="tpe", metrics=nll)
    study.configurations = [
        Configuration(status="ok", scores=far),
        Configuration(status="ok", scores={"a": [2.0, 2.2], "b": [0.1]}),
        Configuration(status="ok", scores={"a": [2.0, 2.0], "b": [0.2]}),
        Configuration(status="failed", error="e"), Configuration(status="ok", scores=dict(far)),
    ]  # fmt: skip
    rank(study)
    assert [one.behind for one in study.configurations] == [0, pytest.approx(0.05), pytest.approx(0.5), None, 0]
    assert study.best == 0
    study.configurations = [Configuration(status="failed")]
    rank(study)
    assert study.best is None
