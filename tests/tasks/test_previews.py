"""Samples drawn in the course of a training."""

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError

QUIET = {"jobs": 0, "progress": False, "say": lambda _: None, "seeds": 1, "samples": 200, "metrics": "sliced_w2"}


def pictures(run):
    return sorted(file.relative_to(run.path / "figures" / "training") for file in run.path.rglob("training/*/*.png"))


@pytest.mark.parametrize("data", ["moons", "digits"])
def test_a_training_shows_itself_as_often_as_asked_and_is_none_the_wiser(data, tmp_path):
    model = "vae[hidden=16]"
    plain, watched = (
        genbench.run(model, data, budget="40", name=str(times), results=tmp_path, previews=times, **QUIET)
        for times in (0, 4)
    )
    key = next(trial.key for trial in watched.trials if trial.role == "model")
    assert [str(file) for file in pictures(watched)] == [f"{key}/{step:07d}.png" for step in (10, 20, 30, 40)]
    assert pictures(plain) == []
    np.testing.assert_array_equal(plain.samples(key), watched.samples(key))  # same key, same bits


def test_a_preview_that_fails_is_left_out(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genbench.tasks.previews.write_grid", full)
    run = genbench.run("gan", "moons", budget="20", name="full", results=tmp_path, previews=2, **QUIET)
    assert {trial.status for trial in run.trials} == {"ok"}
    assert pictures(run) == []


def test_less_than_none_is_refused(tmp_path):
    with pytest.raises(GenbenchError, match="previews=-1 must not be negative"):
        genbench.run("gmm", "moons", results=tmp_path, previews=-1, **QUIET)
