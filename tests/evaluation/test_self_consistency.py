"""Samples and density of a trial held against each other, from the run to the store and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.contracts.evidence import Protocol
from genbench.core.errors import GenbenchWarning
from genbench.evaluation.model_outputs import ModelOutputs, draw_all, draw_with_densities
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.plan import make_plan
from genbench.runs.rescoring import rescore

CHEATERS = str(Path(__file__).parents[1] / "plugins" / "cheaters.py")
SETS = ("moons", "pinwheel")
SMALL = Protocol(samples=5_000, train=2_000)
LABELS = ("blurred[components=20]", "honest[components=20]")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return genbench.run(
        ",".join(LABELS), ",".join(SETS), seeds=1, budget="smoke", metrics="self_consistency", plugins=[CHEATERS],
        results=tmp_path_factory.mktemp("r"), jobs=0, samples=5_000, train=2_000, progress=False, say=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize("data", SETS)
def test_a_noisy_sampler_is_flagged_and_an_honest_one_is_not(run, data):
    """A false alarm of the honest one or of the oracle's four draws: once in 2,000 seeds."""
    blurred, honest, oracle = (
        next(t for t in run.trials if (t.model, t.dataset) == (name, data)) for name in (*LABELS, "oracle")
    )
    assert [flag.metric for flag in blurred.flags] == ["self_consistency"]
    assert "samples and density do not belong together" in blurred.flags[0].text
    assert blurred.metrics["self_consistency"] > 3 * honest.metrics["self_consistency"]
    assert not honest.flags
    assert not oracle.flags


def test_it_is_the_same_from_the_store(run):
    before = {trial.key: trial for trial in run.trials}
    rescore(run, metrics="self_consistency,nll", jobs=0, progress=False)
    for old in before.values():
        new = next(t for t in genbench.load_run(run.path).trials if (t.model, t.dataset) == (old.model, old.dataset))
        assert "nll" in new.metrics
        assert new.metrics["self_consistency"] == old.metrics["self_consistency"]
        assert new.flags == old.flags


@pytest.fixture(scope="module")
def trial():
    return ResolvedTrial.of(make_plan("gaussian", "moons", 1, "smoke", "self_consistency", protocol=SMALL).trials[-1])


@pytest.fixture(scope="module")
def gaussian(trial):
    return trial.estimator().fit(trial.splits.train)


def test_nobody_pays_for_it_unasked(trial, gaussian):
    unasked = replace(trial, spec=trial.spec.model_copy(update={"metrics": ("nll",)}))
    assert draw_all(unasked, gaussian, 0).shares is None
    assert draw_with_densities(trial, gaussian, 0).shares is None  # the draws of `variance`


def test_it_costs_half_of_the_densities(trial, gaussian, monkeypatch):
    asked, log_prob = [], gaussian.log_prob
    monkeypatch.setattr(gaussian, "log_prob", lambda x, seed: asked.append(len(x)) or log_prob(x, seed))
    outputs = draw_all(trial, gaussian, 0)
    assert asked == [10_000, 2_500, 6_250]
    assert ModelOutputs.of(outputs.arrays, "exact").shares is outputs.shares


def test_a_density_that_refuses_other_points_is_a_caution(trial, gaussian, monkeypatch):
    log_prob = gaussian.log_prob

    def only_near(x, seed):
        if len(x) == 6_250:
            raise ValueError("outside my support")
        return log_prob(x, seed)

    monkeypatch.setattr(gaussian, "log_prob", only_near)
    with pytest.warns(GenbenchWarning, match="were not held against each other: ValueError: outside my support"):
        assert draw_all(trial, gaussian, 0).shares is None


def test_estimates_and_few_samples_are_not_tested(trial, gaussian):
    few = replace(trial.protocol, samples=40)
    small = replace(trial, spec=trial.spec.model_copy(update={"protocol": few}))
    assert draw_all(small, gaussian, 0).shares is None
    assert np.isfinite(draw_all(trial, gaussian, 0).shares).all()
    gaussian.model.likelihood = "estimate"
    assert draw_all(trial, gaussian, 0).shares is None
