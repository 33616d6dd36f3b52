"""nll, kl and true_nll against the closed forms of Gaussians."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import genbench
from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.kl import kl
from genbench.metrics.nll import nll
from genbench.metrics.true_nll import true_nll

ENTROPY = 1 + np.log(2 * np.pi)  # of a standard normal in the plane
TRUTH = multivariate_normal(np.zeros(2))


class Plane(SyntheticDataset):
    """A standard normal in the plane."""

    shape = (2,)

    def draw(self, u, rng):
        return rng.standard_normal((len(u), 2)), None

    def log_density(self, x):
        return TRUTH.logpdf(x)


class Disc(Plane):
    """The uniform density on the unit disc: zero outside."""

    def draw(self, u, rng):
        angle = 2 * np.pi * rng.random(len(u))
        return np.sqrt(u)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), None

    def log_density(self, x):
        return np.where((x**2).sum(axis=1) <= 1, -np.log(np.pi), -np.inf)


def evidence(samples=None, model=None, dataset=None, seed: int = 0) -> Evidence:
    dataset = dataset or Plane()
    test = dataset.sample(10_000, seed=seed)
    samples = dataset.sample(20_000, seed=seed + 1000) if samples is None else samples
    return Evidence(dataset, samples, test, None if model is None else model(test), seed=seed)


def test_kl_and_nll_of_gaussians():
    """KL(N(0, I) ‖ N(m, s²I)) = ½ (2/s² + ‖m‖²/s² − 2 + 4 log s)."""
    m, s = np.array([0.3, -0.1]), 1.2
    fact = evidence(model=multivariate_normal(m, s**2).logpdf)
    expected = 0.5 * (2 / s**2 + m @ m / s**2 - 2 + 4 * np.log(s))
    divergence, likelihood = kl(fact), nll(fact)
    assert abs(divergence.value - expected) < 4 * divergence.standard_error  # by chance once in 16,000 seeds
    assert abs(likelihood.value - expected - ENTROPY) < 4 * likelihood.standard_error
    assert likelihood.standard_error == pytest.approx(np.sqrt(1 + m @ m) / s**2 / 100, rel=0.05)  # Var ½‖x‖² = 1
    paired = np.sqrt((1 - 1 / s**2) ** 2 + m @ m / s**4) / 100  # half of that: the noise of the test points cancels
    assert divergence.standard_error == pytest.approx(paired, rel=0.05)
    assert likelihood.value - divergence.value == pytest.approx(-fact.true_log_prob.mean(), abs=1e-12)
    assert divergence.flag is None
    assert likelihood.flag is None


def test_kl_of_the_truth_is_0():
    score = kl(evidence(model=TRUTH.logpdf))
    assert score == (0, 0, None)
    dataset = genbench.load_dataset("moons")
    splits = dataset.splits(0)
    oracle = genbench.load_model("oracle").reveal(dataset, splits)
    score = kl(Evidence(dataset, splits.test, splits.test, oracle.log_prob(splits.test), seed=0))
    assert score.value == pytest.approx(0, abs=1e-12)
    assert score.flag is None


def test_an_unnormalised_density_is_flagged():
    score = kl(evidence(model=lambda x: TRUTH.logpdf(x) + 0.01))
    assert score.value == pytest.approx(-0.01, abs=1e-12)
    assert "3 s.e. below 0" in score.flag
    wide = multivariate_normal(np.zeros(2), 1.1)
    assert "below 0" in kl(evidence(model=lambda x: wide.logpdf(x) + 0.05)).flag


def test_zero_density_at_test_points_is_said():
    def box(x):
        return np.where(np.abs(x).max(axis=1) < 1, -np.log(4), -np.inf)

    fact = evidence(model=box)
    outside = 100 * (np.abs(fact.test).max(axis=1) >= 1).mean()
    for metric in (kl, nll):
        score = metric(fact)
        assert score.value == np.inf
        assert score.standard_error is None
        assert score.flag == f"{outside:.2g} % of the test points have density 0 (or infinity) under the model"


def test_true_nll_of_the_truth_is_the_entropy():
    score = true_nll(evidence())
    assert abs(score.value - ENTROPY) < 4 * score.standard_error  # by chance once in 16,000 seeds
    assert score.standard_error == pytest.approx(1 / np.sqrt(20_000), rel=0.1)
    assert score.flag is None


def test_true_nll_of_another_gaussian():
    """−E log p(X) = log 2π + s² for X ~ N(0, s²I)."""
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    wide = true_nll(evidence(samples=1.5 * x))
    assert abs(wide.value - np.log(2 * np.pi) - 1.5**2) < 4 * wide.standard_error  # by chance once in 16,000 seeds
    assert wide.flag is None
    assert "huddle" in true_nll(evidence(samples=0.9 * x)).flag


def test_true_nll_off_the_support_is_infinite_and_says_how_much():
    inside = Disc().sample(20_000, seed=5)
    assert true_nll(evidence(dataset=Disc())).value == pytest.approx(np.log(np.pi), abs=1e-12)
    assert true_nll(evidence(samples=0.5 * inside, dataset=Disc())).flag is None  # a flat density cannot tell
    inside[:2400] += 10
    score = true_nll(evidence(samples=inside, dataset=Disc()))
    assert score == (np.inf, None, "12 % of the samples lie off the support")
