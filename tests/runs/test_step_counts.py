"""Numbers of steps that the engine finds for models that state no step time."""

import re
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.runs import step_counts

PLUGINS = Path(__file__).parents[1] / "plugins"
UNSTATED = str(PLUGINS / "unstated.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("timed")


def run(folder, models, seeds=1, said=None, jobs=0, **more):
    return genbench.run(
        models, "blob", seeds=seeds, budget="smoke", results=folder, name="r", jobs=jobs, samples=200, train=300,
        metrics="sliced_w2", plugins=[UNSTATED, str(PLUGINS / "well_behaved.py")], progress=False,
        say=(said if said is not None else []).append, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first(folder):
    said = []
    return run(folder, "unstated", seeds=2, said=said), said


def stored(run, model="unstated"):
    return [trial for trial in run.trials if trial.model == model]


def test_steps_are_timed_once_for_all_seeds_and_said(first):
    done, said = first
    one, two = stored(done)
    (line,) = (line for line in said if "reference machine" in line)
    found = re.fullmatch(r"unstated on blob: a step takes (\S+) ms of the reference machine; (\S+) steps", line)
    steps = int(found[2].replace(",", ""))
    assert one.spec.steps == two.spec.steps == one.cost.steps == steps
    assert steps == Budget("smoke").steps(Recipe(step_ms=float(found[1])))
    assert one.spec.params["step_ms"] is None
    assert one.cost.compute > 0


def test_what_is_finished_is_found_again_without_timing(first, folder, monkeypatch):
    monkeypatch.setattr(step_counts, "_measured", lambda *_: pytest.fail("timed again"))
    said = []
    again = run(folder, "unstated", seeds=2, said=said)
    assert any("4 of 4 trials are finished already" in line for line in said)
    more = run(folder, "unstated", seeds=3)
    assert {trial.spec.steps for trial in stored(more)} == {stored(again)[0].spec.steps}
    (folder / "r" / "run.json").unlink()  # finished trials know it, too
    said = []
    run(folder, "unstated", seeds=3, said=said)
    assert any("6 of 6 trials are finished already" in line for line in said)


def test_why_counts_no_finished_trial(first, folder):
    from genbench.runs.launch import RunOptions, explain

    options = RunOptions(
        "unstated", "blob", 2, "smoke", "sliced_w2", name="r", results=folder, samples=200, train=300,
        plugins=[UNSTATED, str(PLUGINS / "well_behaved.py")],
    )  # fmt: skip
    assert explain(options, lambda _: None) == ["0 of 4 trials would run"]


def test_a_stated_time_repeats_it_bit_for_bit(first, tmp_path):
    done, said = first
    ms = re.search(r"takes (\S+) ms", "\n".join(said))[1]
    label = f"unstated[step_ms={float(ms)}]"
    fixed = run(tmp_path, f"unstated[step_ms={ms}]")
    (trial,) = stored(fixed, label)
    assert trial.spec.steps is None
    np.testing.assert_array_equal(fixed.samples(trial.key), done.samples(stored(done)[0].key))


def test_models_that_break_while_they_are_timed_fail_in_their_own_rows(tmp_path):
    said = []
    done = run(tmp_path, "breaking,dying,gaussian", said=said, jobs=1)
    why = {"breaking": "no licence found", "dying": "its process died with exit code 3"}
    for model, reason in why.items():
        line = f"caution: no step of {model} on blob could be timed: {reason}; it gets 250 steps, as if one took 2 ms"
        assert line in said
        (trial,) = stored(done, model)
        assert (trial.status, trial.spec.steps) == ("crashed", 250)
    assert [trial.status for trial in stored(done, "gaussian")] == ["ok"]


def test_a_time_that_is_wrong_by_much_is_flagged(tmp_path):
    (trial,) = stored(run(tmp_path, "hasty"), "hasty")
    assert trial.cost.steps == 5
    assert [flag.text.partition(" took")[0] for flag in trial.flags] == ["unequal compute: training"]


def test_budgets_in_steps_and_seconds_need_no_timing(tmp_path, monkeypatch):
    monkeypatch.setattr(step_counts, "_measured", lambda *_: pytest.fail("timed"))
    for budget in ("20", "0.1s"):
        done = genbench.run(
            "unstated", "moons", seeds=1, budget=budget, results=tmp_path, jobs=0, samples=200, train=300,
            metrics="sliced_w2", plugins=[UNSTATED], progress=False, say=lambda _: None,
        )  # fmt: skip
        (trial,) = stored(done)
        assert (trial.status, trial.spec.steps, trial.flags) == ("ok", None, [])


def test_fit_times_steps_by_itself(first):
    genbench.load_dataset("blob")
    model = genbench.load_model("unstated").fit(np.random.default_rng(0).normal(size=(300, 2)), budget="smoke")
    assert model.history.steps > 50  # a step takes less than the kernel of four, so 0.5 s are more than 80
