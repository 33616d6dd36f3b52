"""What `[tuned]` stands for when trials are planned, and what a table says of it."""

import json
from pathlib import Path

import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.selection import parse
from genbench.display.export import render
from genbench.runs.experiment import read_experiment
from genbench.runs.launch import RunOptions, explain
from genbench.runs.plan import make_plan
from genbench.runs.repeat import todays
from genbench.runs.tuned import of_studies
from genbench.storage.records import TrialSpec
from studies import tuned


def plan(tmp_path, models="gaussian[tuned]", data="moons", budget="quick", named=None):
    return make_plan(models, data, [0], budget, "sliced_w2", tuned=of_studies(named, tmp_path, tmp_path / "run"))


def spec(tmp_path, *asked, **more):
    return plan(tmp_path, *asked, **more).trials[-1]


def test_the_word_alone_is_read_and_written():
    assert str(parse("cfm[tuned]")) == "cfm[tuned]" == str(parse("cfm[tuned=true]"))
    assert str(parse("cfm[ tuned , depth=4]")) == "cfm[depth=4,tuned]"
    for wrong in ("cfm[tuned tuned]", "cfm[other]", "cfm[tuned,tuned]"):
        with pytest.raises(GenbenchError):
            parse(wrong)


def test_a_spec_holds_plain_parameters_and_where_they_are_from(tmp_path):
    tuned(tmp_path / "tune" / "a", ridge=0.25)
    found = spec(tmp_path)
    assert (found.model, found.params["ridge"]) == ("gaussian[tuned]", 0.25)
    assert (found.tuned.configurations, found.tuned.data, found.tuned.params) == (2, ("moons",), {"ridge": 0.25})
    assert TrialSpec.model_validate_json(found.model_dump_json()).key == found.key
    assert found.key != spec(tmp_path, "gaussian[ridge=0.25]").key, "its row says that it was tuned"
    assert "tuned" not in spec(tmp_path, "gaussian")._facts(), "as keys have always been"
    assert todays(found).key == found.key, "it can be repeated without a study"
    assert found.differences(spec(tmp_path, "gaussian[ridge=0.25]")) == ["tuned anew"]


def test_what_is_typed_comes_before_what_was_found(tmp_path):
    tuned(tmp_path / "tune" / "a", ridge=0.25)
    found = spec(tmp_path, "gaussian[tuned,ridge=0.5]")
    assert (found.model, found.params["ridge"], found.tuned.params) == ("gaussian[ridge=0.5,tuned]", 0.5, {})


def test_of_several_studies_that_of_the_data_and_then_of_the_budget_is_taken(tmp_path):
    tuned(tmp_path / "tune" / "a", "moons", "quick", ridge=0.1)
    tuned(tmp_path / "tune" / "b", "ring", "quick", ridge=0.2)
    tuned(tmp_path / "tune" / "c", "moons", "standard", ridge=0.3)
    assert [
        spec(tmp_path, data=d, budget=b).params["ridge"]
        for d, b in (("moons", "quick"), ("ring", "30"), ("moons", "standard"))
    ] == [0.1, 0.2, 0.3]
    with pytest.raises(
        GenbenchError, match=r"was tuned in \S+/a, \S+/c, none of them on moons with the budget 30; say which: --tuned"
    ):
        plan(tmp_path, budget="30")
    odd = plan(tmp_path, data="pinwheel", named=tmp_path / "tune" / "b")
    assert odd.trials[-1].params["ridge"] == 0.2
    assert (
        "caution: gaussian[tuned] was tuned on ring with the budget quick, and runs on pinwheel with quick" in odd.notes
    )
    assert "gaussian[tuned]: ridge=0.2; the best of 2 configurations on the validation splits of ring" in odd.notes


def test_of_several_forms_of_a_model_the_one_without_parameters_is_taken(tmp_path):
    tuned(tmp_path / "tune" / "a", model="gaussian[x=1]", given={"ridge": 0.9})
    assert spec(tmp_path).params["ridge"] == 0.9
    tuned(tmp_path / "tune" / "a", ridge=0.1)
    assert spec(tmp_path).params["ridge"] == 0.1


@pytest.mark.parametrize(
    ("models", "data", "reason"),
    [
        (
            "gaussian[tuned]",
            "moons",
            r"no study of gaussian in .*tune; tune it first: genbench tune gaussian --data moons --budget quick",
        ),
        ("gaussian", "moons[tuned]", "moons has no parameter 'tuned'"),
    ],
)
def test_where_nothing_was_tuned_it_says_what_to_type(tmp_path, models, data, reason):
    with pytest.raises(GenbenchError, match=reason):
        plan(tmp_path, models, data)


def test_a_study_of_a_stranger_is_data(tmp_path):
    """Its parameters are bound as typed ones are, and a file that is none is named."""
    tuned(tmp_path / "tune" / "a", ridge="a lot")
    with pytest.raises(GenbenchError, match="ridge must be a number"):
        plan(tmp_path)
    (tmp_path / "tune" / "a" / "study.json").write_text(json.dumps({"schema": 1, "name": "a"}))
    with pytest.raises(GenbenchError, match=r"study.json is corrupt: field \w+ is wrong"):
        plan(tmp_path)
    with pytest.raises(GenbenchError, match="--tuned nowhere: there is no such folder"):
        plan(tmp_path, named="nowhere")


PLUGIN = str(Path(__file__).parents[1] / "plugins" / "tunable.py")
ASKED = {"seeds": [1], "budget": "5", "samples": 200, "train": 200, "metrics": "sliced_w2", "name": "r", "jobs": 0}


def would_run(options):
    return explain(options, lambda text: None)[-1]


def test_default_and_tuned_stand_side_by_side_and_the_table_says_so(tmp_path):
    tuned(tmp_path / "tune" / "s", budget="5", model="stretched", scale=1)
    asked = ASKED | {"results": tmp_path, "plugins": [PLUGIN], "progress": False}
    models = ["stretched", "stretched[tuned]"]
    run = genbench.run(models, "moons", **asked, say=lambda text: None)
    (trial,) = (trial for trial in run.trials if trial.model == "stretched[tuned]")
    assert (trial.params["scale"], trial.params["shift"]) == (1, 0), "plain parameters"
    board = run.leaderboard()
    rows = {row["model"]: row for row in board.records()}
    own = {"configurations": 2, "data": ["moons"], "budget": "5", "seeds": {"moons": [100]}, "params": {"scale": 1}}
    assert (rows["stretched[tuned]"]["tuned"], rows["stretched"]["tuned"]) == (own, None)
    mean = {model: row["metrics"]["sliced_w2"]["mean"] for model, row in rows.items()}
    assert mean["stretched[tuned]"] < 0.2 * mean["stretched"]
    for text in (str(board), render(board, "md"), render(board, "tex")):
        words = " ".join(text.replace("\\", "").split())
        assert "stretched[tuned]: scale=1; the best of 2 configurations on the validation splits of moons." in words
        assert "Models without [tuned] in their names were not tuned here: tuned stands against default." in words

    again = RunOptions(models, "moons", **asked)
    assert would_run(again) == "0 of 3 trials would run"
    file = tmp_path / "e.toml"
    file.write_text('name = "r"\nmodels = ["stretched", {name = "stretched", tuned = true}]\nseeds = [1]\nsamples = 200\n'
                    'train = 200\nmetrics = "sliced_w2"\nbudget = 5\ntuned = "tune/s"\n')  # fmt: skip
    (request,) = read_experiment(file, [PLUGIN])
    assert would_run(RunOptions(**request | {"results": tmp_path})) == "0 of 3 trials would run"
    (tmp_path / "tune").rename(tmp_path / "gone")
    assert would_run(RunOptions(models, "moons", **asked)) == "0 of 3 trials would run", "its own trials say so"
