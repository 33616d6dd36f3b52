"""`--log tensorboard`: the event files hold what the record holds, and the training knows nothing of them."""

import importlib.util
import sys

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.training.logs import About, open_log

QUIET = {"jobs": 0, "progress": False, "say": lambda _: None, "seeds": 1, "samples": 200, "metrics": "sliced_w2"}

installed = pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")


def events(folder):
    """Return scalars by tag as {step: value}, and the pictures' (step, width, height)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()
    tags = found.Tags()
    scalars = {tag: {event.step: event.value for event in found.Scalars(tag)} for tag in tags["scalars"]}
    images = [(event.step, event.width, event.height) for tag in tags["images"] for event in found.Images(tag)]
    return scalars, images


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same training, without and with its log and previews."""
    here = tmp_path_factory.mktemp("logged")
    return [
        genbench.run("vae[hidden=16],gan[hidden=16]", "moons", budget="40", name=name, results=here, **more, **QUIET)
        for name, more in (("plain", {}), ("logged", {"log": "tensorboard", "previews": 2}))
    ]


@installed
def test_losses_are_those_of_the_history(runs):
    logged = runs[1]
    names = {"vae[hidden=16]": {"loss": "train/loss", "validation": "validation/loss"}}
    names["gan[hidden=16]"] = {"generator": "train/generator", "discriminator": "train/discriminator"}
    for model, tags in names.items():
        trial = next(t for t in logged.trials if t.model == model)
        scalars, _ = events(logged.path / "tensorboard" / trial.key)
        assert set(scalars) == {*tags.values(), "score/sliced_w2"}
        assert scalars["score/sliced_w2"] == pytest.approx({0: trial.metrics["sliced_w2"]}, rel=1e-6)
        for column, tag in tags.items():
            history = zip(trial.history["step"], trial.history[column], strict=True)
            expected = {step: value for step, value in history if value is not None}
            assert scalars[tag] == pytest.approx(expected, rel=1e-6)


@installed
def test_previews_are_there_as_pictures(runs):
    key = next(t.key for t in runs[1].trials if t.model.startswith("gan"))
    _, images = events(runs[1].path / "tensorboard" / key)
    assert [step for step, *_ in images] == [20, 40]
    assert all(width == height > 100 for _, width, height in images)


@installed
def test_neither_keys_nor_bits_know_of_a_log(runs):
    plain, logged = runs
    assert [t.key for t in plain.trials] == [t.key for t in logged.trials]
    for trial in plain.trials:
        np.testing.assert_array_equal(plain.samples(trial.key), logged.samples(trial.key))
        assert trial.history == logged.trial(trial.key).history
    assert not (plain.path / "tensorboard").exists()
    assert {folder.name for folder in (logged.path / "tensorboard").iterdir()} == {t.key for t in logged.trials}


@installed
def test_what_a_killed_training_wrote_beyond_its_checkpoint_is_void(tmp_path):
    first = open_log("tensorboard", About("r", "k", tmp_path))
    for step in (1, 10, 20):
        first.row({"step": step, "loss": float(step)})
    first.close()
    again = open_log("tensorboard", About("r", "k", tmp_path))
    again.row({"step": 10, "loss": 5.0})
    again.close()
    assert events(tmp_path / "tensorboard" / "k")[0] == {"train/loss": {1: 1.0, 10: 5.0}}


@installed
def test_a_log_that_cannot_be_written_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    log = open_log("tensorboard", About("r", "k", tmp_path / "file"))
    log.row({"step": 1, "loss": 1.0})
    log.close()


@pytest.mark.parametrize(
    ("log", "told"), [("tensorboard", "pip install 'genbench\\[tensorboard\\]'"), ("tensrboard", "unknown")]
)
def test_refused_before_anything_is_run(log, told, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "tensorboard", raising=False)
    with pytest.raises(GenbenchError, match=told):
        genbench.run("gmm", "moons", results=tmp_path / "results", log=log, **QUIET)
    assert not (tmp_path / "results").exists()
