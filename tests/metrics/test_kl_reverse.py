"""Reverse KL against the closed form of Gaussians, and the weights that show a density above 1 in all."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.kl import kl
from genbench.metrics.kl_reverse import kl_reverse
from genbench.metrics.log_density import weight_above_1

TRUTH = multivariate_normal(np.zeros(2))


class Plane(SyntheticDataset):
    """A standard normal in the plane."""

    shape = (2,)

    def log_density(self, x):
        return TRUTH.logpdf(x)


class Disc(Plane):
    """The uniform density on the unit disc: zero outside."""

    def log_density(self, x):
        return np.where((x**2).sum(axis=1) <= 1, -np.log(np.pi), -np.inf)


def evidence(mean=(0.3, -0.1), std: float = 1.2, offset: float = 0.0, seed: int = 0, k: int = 2500, **more) -> Evidence:
    """A Gaussian model whose log-density is wrong by `offset` nats."""
    rng = np.random.default_rng(seed)
    model = multivariate_normal(mean, std**2)
    x = mean + std * rng.normal(size=(2 * k, 2))
    test = rng.normal(size=(10_000, 2))
    dataset = more.pop("dataset", Plane())
    own = model.logpdf(x[:k]) + offset
    return Evidence(dataset, x, test, model.logpdf(test) + offset, seed, samples_model_log_prob=own, **more)


def test_gaussians():
    """KL(N(m, s²I) ‖ N(0, I)) = ½ (2s² + ‖m‖² − 2 − 4 log s)."""
    score = kl_reverse(evidence(k=20_000))
    expected = 0.5 * (2 * 1.2**2 + 0.1 - 2 - 4 * np.log(1.2))
    assert abs(score.value - expected) < 4 * score.standard_error  # by chance once in 16,000 seeds
    assert score.standard_error < 0.1 * expected
    assert score.flag is None


def test_the_truth_scores_0():
    assert kl_reverse(evidence((0, 0), 1.0)) == (0, 0, None)
    assert kl(evidence((0, 0), 1.0)) == (0, 0, None)


def test_off_the_support_is_infinite_and_says_how_much():
    facts = evidence((0, 0), 0.5, dataset=Disc())
    outside = 100 * (np.linalg.norm(facts.samples[:2500], axis=1) > 1).mean()
    score = kl_reverse(facts)
    assert score.value == np.inf
    assert score.flag.startswith(f"{outside:.2g} % of the samples lie off the support")


def test_without_the_density_of_its_samples_there_is_a_reason():
    facts = evidence()
    facts.samples_model_log_prob = None
    score = kl_reverse(facts)
    assert np.isnan(score.value)
    assert "own samples" in score.flag


@pytest.mark.parametrize("std", [0.8, 1.0, 1.2])
@pytest.mark.parametrize("offset", [0.1, 0.5])
def test_a_density_that_is_too_high_integrates_to_more_than_1(std, offset):
    flag = kl(evidence((0, 0), std, offset)).flag
    assert "not normalised" in flag
    mass = float(flag.partition("at least ")[2].partition(":")[0])
    assert mass == pytest.approx(np.exp(offset), rel=0.05)


def test_only_an_exact_density_is_blamed():
    for kind in ("estimate", "bound"):
        assert "integrates" not in (kl(evidence((0, 0), 1.2, 0.5, likelihood=kind)).flag or "")


def test_honest_densities_are_not_blamed():
    """Light tails, heavy tails, a missed part of the data: none of 1,500 at a stated rate below 1 in 1,000.

    A true rate of 1 in 1,000 would give more than 5 once in 200 seeds.
    """
    blamed = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=2500)
        missed = np.where(rng.random(2500) < 0.05, -np.inf, -np.log(0.95))
        for log_weights in (
            -((x / 0.7) ** 2) / 2 - np.log(0.7) + x**2 / 2,  # N(0, 0.7²) over N(0, 1)
            -((x / 2) ** 2) / 2 - np.log(2) + x**2 / 2,
            x - 0.5,  # N(1, 1) over N(0, 1)
            0.1 * x - 0.005,
            missed,
        ):
            blamed += weight_above_1(log_weights) is not None
    assert blamed <= 5


def test_weights_of_any_size_are_averaged():
    rng = np.random.default_rng(0)
    for scale in (-2000.0, 0.3, 650.0, 5000.0):
        found = weight_above_1(scale + 0.01 * rng.normal(size=1000))
        assert found is None if scale < 0 else found == pytest.approx(np.exp(min(scale, 700)), rel=0.01)
    assert weight_above_1(np.array([np.nan, 1.0])) is None
    assert weight_above_1(np.full(20, 0.5)) is None  # too few to know
    assert weight_above_1(np.full(1000, 1e-12)) is None  # rounding
