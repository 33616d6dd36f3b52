"""Checkpoints of trials: a run that is killed goes on from them, and none is left that nothing goes on from."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from weights import same_weights

import genbench
from genbench.core.errors import Diverged
from genbench.training.checkpoint import SUFFIX, Saved, read_checkpoint, write_checkpoint

OPTIONS = {"seeds": "5,", "samples": 100, "train": 500, "metrics": "sliced_w2", "progress": False}
MODELS = "cfm[hidden=16,depth=1],gan[hidden=8,components=16,frequencies=1]"


def both(folder, say=lambda _: None):
    """Train a model of points with noise in its loss, and one of two optimisers."""
    return genbench.run(
        MODELS, "moons", budget="500", jobs=0, results=folder, name="r", checkpoint_every=0.05, say=say, **OPTIONS
    )


def killed_in(model, folder, luck):
    """Start the run in a process and kill it at a random moment of a model's training; return the checkpoint's step."""
    process = multiprocessing.get_context("fork").Process(target=both, args=[folder])
    process.start()
    end = time.monotonic() + 120
    while not (found := list((folder / "r" / "trials").glob(f"{model}_*{SUFFIX}"))):
        assert time.monotonic() < end
        assert process.is_alive(), "it has ended before it could be killed"
        time.sleep(0.005)
    time.sleep(luck.uniform(0, 0.2))
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it has ended before it could be killed"
    return read_checkpoint(found[0]).state["history"]["steps"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_kill_9_at_a_random_moment_leaves_the_same_weights_and_scores(tmp_path):
    whole = both(tmp_path / "whole")
    luck, folder, said = np.random.default_rng(0), tmp_path / "killed", []
    for model in ("cfm", "gan"):
        assert 0 < killed_in(model, folder, luck) < 500
    resumed = both(folder, said.append)
    assert "1 of them resumes from a checkpoint" in said
    assert [trial.key for trial in resumed.trials] == [trial.key for trial in whole.trials]
    for mine, theirs in zip(resumed.trials, whole.trials, strict=True):
        assert (mine.status, mine.metrics, mine.flags) == ("ok", theirs.metrics, theirs.flags)
        assert mine.history == theirs.history
        assert same_weights(resumed.store.weights(mine.key), whole.store.weights(theirs.key))
    assert not [file for file in resumed.store.trials.iterdir() if "checkpoint" in file.name]


def test_an_end_of_any_kind_leaves_no_checkpoint(tmp_path, monkeypatch):
    seen = []

    def diverge(self, player, loss, step):
        seen.append(len(list((tmp_path / "r" / "trials").glob("*.checkpoint.safetensors"))))
        if step == 30:
            raise Diverged("as it was told")

    monkeypatch.setattr("genbench.training.optimizer_groups._Guard.check", diverge)
    run = genbench.run(
        "cfm", "moons", budget="50", jobs=0, results=tmp_path, name="r", checkpoint_every=1e-6, say=lambda _: None,
        **OPTIONS,
    )  # fmt: skip
    assert max(seen) == 1
    assert {t.status for t in run.trials if t.role == "model"} == {"diverged"}
    assert not list(run.store.trials.glob("*.checkpoint.safetensors"))


def test_checkpoints_that_nothing_goes_on_from_are_deleted(tmp_path):
    options = {"budget": "5", "jobs": 0, "results": tmp_path, "name": "r", "say": lambda _: None, **OPTIONS}
    run = genbench.run("gaussian", "moons", **options)
    gaussian = next(t.spec for t in run.trials if t.role != "oracle")

    def write(key, model):
        spec = gaussian.model_copy(update={"model": model}).model_dump(mode="json")
        write_checkpoint(run.store.trials / f"{key}.checkpoint.safetensors", Saved(key, {"spec": spec}, {}))

    write(gaussian.key, "gaussian")  # of a trial that is finished
    write("gaussian-moons-5-0123456789ab", "gaussian")  # of the same row and seed with other code
    write("gaussian-moons-5-0123456789ab.2", "gaussian")
    write("cfm-moons-5-0123456789ab", "cfm")  # of a trial that another request began
    (run.store.trials / "gmm-moons-5-0123456789ab.checkpoint.safetensors").write_bytes(b"rubbish")
    assert len(run.store.checkpoints()["gaussian-moons-5-0123456789ab"]) == 2
    genbench.run("gaussian", "moons", **options)
    assert list(run.store.checkpoints()) == ["cfm-moons-5-0123456789ab"]


def test_a_refused_checkpoint_is_a_flag_of_the_trial(tmp_path):
    options = {"budget": "20", "jobs": 0, "results": tmp_path, "name": "r", "say": lambda _: None, **OPTIONS}
    key = next(t.key for t in genbench.run("cfm", "moons", **options).trials if t.role == "model")
    trials = tmp_path / "r" / "trials"
    (trials / f"{key}.json").unlink()
    (trials / f"{key}.checkpoint.safetensors").write_bytes(b"rubbish")
    trial = next(t for t in genbench.run("cfm", "moons", **options).trials if t.role == "model")
    assert any("damaged or cut short" in flag.text and "starts again" in flag.text for flag in trial.flags)


def test_every_training_of_a_trial_goes_on(tmp_path):
    """The task `variance` trains three times."""
    options = {"budget": "30", "jobs": 0, "task": "variance", "name": "r", "say": lambda _: None, **OPTIONS}
    plugin = str(Path(__file__).parents[1] / "plugins" / "conditional.py")
    run = genbench.run("duel", "moons", results=tmp_path / "a", plugins=[plugin], **options)
    again = genbench.run("duel", "moons", results=tmp_path / "b", plugins=[plugin], checkpoint_every=1e-6, **options)
    assert [t.nested for t in run.trials] == [t.nested for t in again.trials]
    assert not list(again.store.trials.glob("*.checkpoint.safetensors"))
