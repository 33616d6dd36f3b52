"""What a run keeps of what was asked, and of where its trials ran, when it is asked again."""

import json
import shlex
from datetime import datetime

import numpy as np
import pytest

import genbench
from genbench.cli import main
from genbench.core.errors import GenbenchError
from genbench.display.table_view import board_view
from genbench.runs.launch import RunOptions
from genbench.runs.request import as_code, as_command
from genbench.storage.records import RunRecord
from trial_records import rewritten

TINY = {"budget": "3", "samples": 200, "metrics": "sliced_w2", "jobs": 0, "progress": False}


@pytest.fixture
def run(tmp_path, good):
    """Call `genbench.run` on a run of tiny trials; returns the run and what was said."""

    def call(models="standard_normal", data="blob", **more):
        said = []
        options = {"seeds": 1, "results": tmp_path, "name": "r", "plugins": [good], "say": said.append, **TINY, **more}
        return genbench.run(models, data, **options), said

    return call


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({}, "--models all --data moons"),
        ({"models": ["cfm", "gmm[components=4]"], "datasets": ["moons", "ring"]}, "--models 'cfm,gmm[components=4]' --data moons,ring"),
        ({"seeds": 3}, "--models all --data moons --seeds 3"),
        ({"seeds": [4], "budget": 200}, "--models all --data moons --seeds 4, --budget 200"),
        ({"seeds": [4, 7], "retry_failed": True, "progress": False}, "--models all --data moons --seeds 4,7 --retry-failed --quiet"),
        ({"plugins": ["a.py", "b c.py"], "max_seeds": None}, "--models all --data moons --plugin a.py --plugin 'b c.py'"),
        ({"jobs": 0, "timeout": 9.5, "margin": "10%"}, "--models all --data moons --jobs 0 --timeout 9.5 --margin 10%"),
    ],
)  # fmt: skip
def test_a_request_of_python_is_a_command_and_code(asked, command):
    request = RunOptions(**asked).request
    assert shlex.join(request["command"]) == f"genbench run {command}"
    made = {}

    class Genbench:
        run = staticmethod(made.update)

    eval(request["code"], {"genbench": Genbench})
    assert RunOptions(**made) == RunOptions(**asked) or {"models", "datasets"} & asked.keys()
    assert RunOptions(**made).request == request


def test_its_command_is_one_that_genbench_takes(tmp_path):
    """Each option of `genbench.run` is one of the command line."""
    import typer

    known = {word for p in typer.main.get_command(main.app).commands["run"].params for word in p.opts}
    names = [name for name in RunOptions.__dataclass_fields__ if name != "retry_failed"]
    words = as_command(dict.fromkeys(names, "x") | {"retry_failed": True, "progress": False, "plugins": ["x"]})
    assert {word for word in words if word.startswith("--")} <= known
    assert as_code({"results": tmp_path, "train": np.int64(3)}) == f"genbench.run(results={str(tmp_path)!r}, train=3)"


def test_data_in_hand_are_the_file_that_the_run_keeps(run):
    x = np.random.default_rng(0).normal(size=(300, 2))
    done, _ = run("gaussian", {"mine": x})
    (request,) = done.record.requests
    assert datetime.fromisoformat(request["time"]).date().isoformat() == done.record.date
    file = request["command"][request["command"].index("--data") + 1]
    assert (done.path / "data").as_posix() in file
    np.testing.assert_array_equal(np.load(file)["x"], x)
    assert done.record.commands == [shlex.join(request["command"])]
    assert "genbench.run(" in request["code"]


def test_a_run_has_the_date_of_its_latest_request():
    """Records are files of anybody's: what is no time is no date."""
    asked = [{"time": "2026-11-30T17:05:09+00:00"}, {"command": ["genbench"]}, {"time": "2026-10-01T00:00:00+00:00"}]
    assert RunRecord(name="r", requests=asked).date == "2026-11-30"
    assert RunRecord(name="r", requests=[{"time": 3}, {"time": "<b>tomorrow</b>"}, {}]).date == ""


def test_each_trial_has_its_environment_and_asking_again_changes_none(run):
    done, _ = run()
    first = done.trials[0].provenance
    assert first.system
    assert first.device == "cpu"
    assert first.threads == 1
    assert first.versions["python"]
    assert first.time.endswith("Z")
    for file in (done.path / "run.json", *done.store.trials.glob("*.json")):
        text = file.read_text().replace(f'"processor": "{first.processor}"', '"processor": "another"')
        file.write_text(text) if file.name == "run.json" else rewritten(file, **json.loads(text))
    before = genbench.load_run(done.path)
    after, _ = run(seeds=2)
    assert after.record.environment == before.record.environment
    assert after.trials[:2] == before.trials
    assert after.environments["processor"] == {"another": 2, first.processor: 2}
    (line,) = [note for note in board_view(after.leaderboard()).notes if "run on" in note]
    assert line == f"blob: seeds were run on {' and '.join(sorted((first.processor, 'another')))}."


def test_a_damaged_run_record_is_set_aside_and_no_trial_leaves_the_table(run):
    done, _ = run("standard_normal,gaussian", seeds=2)
    file = done.path / "run.json"
    whole = file.read_text()
    file.write_text(whole[:200])
    after, said = run("standard_normal")
    assert set(after.record.trials) == set(done.record.trials)
    (line,) = [line for line in said if "run.json" in line]
    assert "not whole JSON" in line
    assert "set aside as run.json.corrupt" in line
    assert (done.path / "run.json.corrupt").read_text() == whole[:200]
    file.unlink()
    after, said = run("standard_normal")
    assert set(after.record.trials) == set(done.record.trials)
    assert "run.json is missing; its table is rebuilt from 6 trials" in " ".join(said)


def test_a_run_record_of_a_newer_schema_is_refused_before_anything_runs(run):
    done, _ = run()
    file = done.path / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 99}))
    before = {path: path.read_bytes() for path in done.path.rglob("*.json")}
    with pytest.raises(GenbenchError, match="newer genbench"):
        run(seeds=2)
    assert {path: path.read_bytes() for path in done.path.rglob("*.json")} == before


def test_a_score_that_was_changed_by_hand_is_set_aside_and_computed_again(run):
    done, _ = run()
    file = done.store.trials / f"{done.record.trials[-1]}.json"
    before = done.trials[-1].metrics
    file.write_text(file.read_text().replace('"sliced_w2": 0.', '"sliced_w2": 0.0', 1))
    opened = genbench.load_run(done.path)
    assert "its numbers are not those that were written" in opened.problems[len(opened.trials) - 1]
    after, said = run()
    assert after.trials[-1].metrics == before
    assert f"set aside as {file.name}.corrupt" in " ".join(said)
