"""Parts of a plan: disjoint, complete, of equal size, with something of everything."""

import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.runs.launch import RunOptions
from genbench.runs.shard import Shard
from trial_records import spec


def plan(models, datasets, seeds):
    return [
        spec(model=f"m{m}", dataset=f"d{d}", seed=s)
        for s in range(seeds)
        for d in range(datasets)
        for m in range(models)
    ]


@pytest.mark.parametrize(
    "shape", [(10, 1, 10, 10), (3, 1, 2, 10), (2, 2, 2, 2), (10, 10, 1, 10), (4, 4, 4, 4), (7, 3, 2, 5)]
)
def test_parts_are_the_plan_dealt_out_evenly(shape):
    trials, n = plan(*shape[:3]), shape[3]
    parts = [Shard(k, n).of(trials) for k in range(1, n + 1)]
    assert sorted(s.key for part in parts for s in part) == sorted(s.key for s in trials)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts[0] == [s for s in trials if s in parts[0]], "the order of the plan"
    assert [Shard(k, n).of(trials[::-1])[::-1] for k in range(1, n + 1)] == parts, "whatever the order of the plan"


@pytest.mark.parametrize("shape", [(2, 2, 2, 2), (4, 4, 4, 4), (10, 10, 1, 10), (10, 1, 10, 10)])
def test_each_part_has_all_models_and_all_datasets(shape):
    models, datasets, seeds, n = shape
    for k in range(1, n + 1):
        part = Shard(k, n).of(plan(models, datasets, seeds))
        assert len({s.model for s in part}) == models
        assert len({s.dataset for s in part}) == min(datasets, n)


@pytest.mark.parametrize(
    "text", ["0/3", "4/3", "x", "", "3", "1/0", "-1/3", "1/3/5", "1.5/3", "٣/٥", "1/999999999", "9" * 5000 + "/1"]
)
def test_bad_parts_get_one_line(text):
    with pytest.raises(GenbenchError, match="^shard '") as error:
        RunOptions(shard=text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_a_race_has_no_parts():
    with pytest.raises(GenbenchError, match="seeds=auto needs all of them"):
        RunOptions(shard="1/2", seeds="auto")


def test_parts_fill_one_table(tmp_path, good):
    said = []
    common = {"budget": "3", "samples": 100, "train": 100, "metrics": "sliced_w2", "progress": False, "jobs": 0}
    for k in (1, 2, 3):
        run = genbench.run(
            "standard_normal", "blob", seeds=2, results=tmp_path, name="r", plugins=[good], shard=f"{k}/3",
            say=said.append, **common,
        )  # fmt: skip
        assert run.leaderboard().rows, "the table shows what is there"
    assert [line for line in said if "shard" in line] == [
        "shard 1/3: 2 of 4 trials", "shard 2/3: 1 of 4 trials", "shard 3/3: 1 of 4 trials",
    ]  # fmt: skip
    assert sorted((t.model, t.seed) for t in run.trials) == [
        ("oracle", 0), ("oracle", 1), ("standard_normal", 0), ("standard_normal", 1),
    ]  # fmt: skip
    empty = genbench.run(
        "standard_normal", "blob", seeds=2, results=tmp_path, name="r", plugins=[good], shard="9/9", say=said.append,
        **common,
    )  # fmt: skip
    assert said[-1] == "shard 9/9: 0 of 4 trials"
    assert len(empty.trials) == 4
