"""Samples and densities asked for again: what is no function of the seed is named, what is honest is not."""

import copy
import threading
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.estimator.estimator import Estimator
from genbench.evaluation.repeatability import unrepeatable

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "unrepeatable.py")
MOONS = genbench.load_dataset("moons")
TRAIN, TEST = MOONS.sample(500, seed=0), MOONS.sample(1000, seed=1)


def fitted(name, x=TRAIN, **params):
    discover((PLUGIN,))
    return Estimator(MODELS[name], params).fit(x, budget="4")


def flags(model, test=TEST, seed=0):
    log_prob = model.log_prob(test, seed=seed) if model.card.likelihood != "none" else None
    return [flag.text for flag in unrepeatable(model, test, log_prob, model.likelihood, seed)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own_generator", "sample gives other points under the same seed"),
        ("reseeds", "sample gives the same points under every seed"),
        ("cached", "sample gives the same points under every seed"),
        ("over_the_batch", "log_prob of a point depends on its batch"),
        ("batch_statistics", "log_prob of a point depends on its batch"),
        ("noisy_density", "from seed to seed, so it is not exact"),
        ("own_noise", "nats under the same seed: it has a generator of its own"),
    ],
)
def test_what_cannot_be_repeated_is_named_in_one_line(name, words):
    (text,) = flags(fitted(name))
    assert words in text
    assert "\n" not in text


# `coin` has 16 samples alike under two seeds with probability 0.73, and 2,000 with 1e-17.
@pytest.mark.parametrize(
    ("name", "params"),
    [
        *(
            (name, {})
            for name in ("fine", "fine_bound", "coin", "counts", "memoriser", "gaussian", "kde", "maf", "box")
        ),
        *((name, {"density_steps": 3}) for name in ("cfm", "ddpm")),
        ("gmm", {"components": 2}),
        ("vae", {"hidden": 16}),
    ],
)
def test_honest_models_are_not_flagged(name, params):
    assert flags(fitted(name, **params), TEST[:200]) == []


def test_the_oracle_is_not_flagged():
    discover()
    oracle = Estimator(MODELS["oracle"]).reveal(MOONS, MOONS.splits(0))
    assert flags(oracle) == []


def test_the_difference_is_that_of_the_two_batches():
    """Over 1,000 points the mean density is one number, over 16 neighbours another: the flag gives log of the quotient."""
    model = fitted("over_the_batch")
    fine = fitted("fine")
    order = np.argsort(TEST[:, 0], kind="stable")
    rows = order[250:266]
    log_p = fine.log_prob(TEST)
    expected = abs(np.log(np.exp(log_p[rows]).mean() / np.exp(log_p).mean()))
    assert f"up to {expected:.2g} nats between 16 and 1,000 points" in flags(model)[0]


@pytest.mark.parametrize("name", ["counts", "cfm"])
def test_the_check_leaves_no_trace_in_a_model(name):
    model = fitted(name)
    drawn = model.sample(10, seed=3)
    calls, last, nfe = (getattr(model.model, part, None) for part in ("calls", "last", "nfe"))
    last = copy.deepcopy(last)
    assert [flag.text for flag in unrepeatable(model, TEST, None, "none", 0)] == []
    assert (getattr(model.model, "calls", None), model.nfe) == (calls, nfe)
    np.testing.assert_array_equal(getattr(model.model, "last", None), last)
    np.testing.assert_array_equal(model.sample(10, seed=3), drawn)


def test_a_sampler_that_cannot_be_asked_for_a_few_is_reported_and_does_not_fail(monkeypatch):
    model = fitted("fine")

    def sample(n):
        raise ValueError(f"cannot draw {n}\nand more")

    model.model.sample = sample
    (text,) = (flag.text for flag in unrepeatable(model, TEST, None, "none", 0))
    assert text.endswith("failed (ValueError: cannot draw 16)")


@pytest.mark.parametrize(("name", "found"), [("fine", 0), ("own_generator", 1)])
def test_a_model_that_cannot_be_copied_is_checked_all_the_same(name, found):
    model = fitted(name)
    model.model.lock = threading.Lock()
    assert len(flags(model)) == found


def test_points_of_infinite_density_are_equal_to_themselves():
    assert flags(fitted("spike")) == []
    assert flags(fitted("box")) == []
