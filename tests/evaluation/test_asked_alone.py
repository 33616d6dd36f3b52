"""Only what the asked metrics need is computed: densities cost as much as samples, or more."""

import numpy as np
import pytest

import genbench
from genbench.runs.rescoring import rescore

PLUGIN = """
import os
import numpy as np
import genbench

@genbench.register_model("counted_density", family="test", likelihood="exact")
class CountedDensity(genbench.Model):
    def fit(self, x):
        return self

    def sample(self, n):
        return np.random.standard_normal((n, 2))

    def log_prob(self, x):
        with open(CALLS, "a") as file:
            file.write(f"{len(x)}\\n")
        return -0.5 * (x**2).sum(axis=1) - np.log(2 * np.pi)
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A plugin whose model notes in a file how many points it was asked the density of, call by call."""
    file = tmp_path_factory.mktemp("plugin") / "counted.py"
    file.write_text(PLUGIN.replace("CALLS", repr(str(file.with_suffix(".calls")))))
    return file


@pytest.fixture
def calls(plugin):
    notes = plugin.with_suffix(".calls")
    notes.unlink(missing_ok=True)
    return lambda: notes.read_text().split() if notes.exists() else []


def run_of(metrics, plugin, folder):
    return genbench.run(
        "counted_density", "moons", seeds=1, budget="30", results=folder, name="r", jobs=0, plugins=[str(plugin)], samples=500,
        metrics=metrics, progress=False, say=lambda _: None,
    )  # fmt: skip


def trial_of(run):
    return next(trial for trial in run.trials if trial.model == "counted_density")


def test_a_distance_alone_evaluates_no_density(plugin, calls, tmp_path):
    run = run_of("sliced_w2", plugin, tmp_path)
    assert calls() == []
    trial = trial_of(run)
    assert trial.status == "ok"
    assert trial.likelihood == "exact"
    assert trial.cost.log_prob_seconds is None
    assert np.isfinite(trial.metrics["sliced_w2"])


def test_a_run_without_densities_can_be_scored_by_them_later(plugin, calls, tmp_path):
    before = run_of("sliced_w2", plugin, tmp_path)
    report = rescore(before, metrics="sliced_w2,nll", plugins=[str(plugin)], jobs=0, progress=False)
    assert not report.kept
    assert calls()
    after = genbench.load_run(before.path)
    old, new = trial_of(before).metrics, trial_of(after).metrics
    assert new["sliced_w2"] == old["sliced_w2"]
    asked = len(calls())
    whole = run_of("sliced_w2,nll", plugin, tmp_path)  # finished by rescoring
    assert trial_of(whole).metrics["nll"] == new["nll"]
    assert len(calls()) == asked
