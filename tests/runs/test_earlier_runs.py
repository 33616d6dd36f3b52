"""Run folders of earlier code: schema 1, flags that are lines, digests of code by module."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.runs.code import code_of
from genbench.storage.earlier_code import TABLE, UNKNOWN, in_todays_form
from trial_records import rewritten

KNOWN = json.loads(TABLE.read_text())
LINE = "memorisation is 1.0: copies"


def modules_of(plugin):
    return dict(KNOWN["modules"][place] for place in KNOWN["plugins"][plugin][1])


def proved(plugin, card):
    return KNOWN["plugins"][plugin][0] == code_of(card)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run as commit 3debc9f wrote it, of two small networks; its own code is not needed for that."""
    place = tmp_path_factory.mktemp("earlier")
    run = genbench.run(
        "gan[hidden=8,depth=1],vae[hidden=8]", "moons", 1, budget=20, samples=300, train=500, jobs=0, name="r",
        metrics="sliced_w2,memorisation", results=place, progress=False,
    )  # fmt: skip
    for file in run.store.trials.glob("*.json"):
        raw = json.loads(file.read_text())
        raw["schema"], raw["flags"] = 1, [LINE] if raw["model"].startswith("gan") else []
        raw["spec"]["sources"] = {"genbench.judge": "0123456789ab"} | modules_of("dataset moons")
        raw["spec"]["sources"] |= modules_of(f"model {raw['spec']['model_name']}")
        rewritten(file, **raw)
    return run.path


@pytest.fixture
def earlier(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "r")


def call(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output + str(done.exception)
    return done


def test_digests_by_module_become_those_of_the_table():
    sources = modules_of("model gan") | modules_of("dataset moons")
    found = in_todays_form(sources, "gan", "moons")
    assert [found["model"], found["dataset"]] == [KNOWN["plugins"][name][0] for name in ("model gan", "dataset moons")]
    assert found["task"] == found["evaluation"] == UNKNOWN
    assert in_todays_form(sources | {"genbench.models.gan": "other"}, "gan", "moons")["model"] == UNKNOWN
    assert in_todays_form(sources, "no_such_model", "moons")["model"] == UNKNOWN


def test_it_opens_with_every_command(earlier, tmp_path):
    discover()
    table = json.loads(call("leaderboard", earlier, "--format", "json").stdout)
    flags = next(row["flags"] for row in table if row["model"].startswith("gan"))
    assert flags == [{"seed": 0, "metric": "memorisation", "text": LINE}]
    call("compare", earlier, earlier)
    call("plot", earlier, "samples", "losses")
    call("report", earlier)
    for name in ("gan", "vae"):
        current = proved(f"model {name}", MODELS[name]) and proved("dataset moons", DATASETS["moons"])
        call("sample", earlier, "--model", name, "-n", 5, "--npz", tmp_path / "x.npz", code=0 if current else 1)
        assert not current or np.load(tmp_path / "x.npz")["samples"].shape == (5, 2)


def test_it_is_scored_again_with_the_same_scores(earlier):
    if not proved("dataset moons", DATASETS["moons"]):
        pytest.skip("the code of the dataset has changed since")
    before = {trial.model: trial.metrics for trial in genbench.load_run(earlier).trials}
    call("rescore", earlier, "--metrics", "sliced_w2", "--jobs", 0, "-q")
    for trial in genbench.load_run(earlier).trials:
        assert trial.metrics == {"sliced_w2": before[trial.model]["sliced_w2"]}
        assert trial.spec.sources["evaluation"] != UNKNOWN
