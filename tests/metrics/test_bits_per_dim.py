"""Bits per dimension of pictures against closed forms."""

import math

import numpy as np
import pytest

import genbench
from genbench.contracts.evidence import Evidence
from genbench.core.registry import REGISTRY, discover
from genbench.metrics.bits_per_dim import bits_per_dim


def evidence(dataset, test, log_prob):
    """What a model shows that gives these log-densities to test pictures."""
    x = test.reshape(len(test), -1)
    return Evidence(dataset, x, x, log_prob, seed=0)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_bits_of_noise_are_the_bits_of_its_levels(levels):
    digits = genbench.load_dataset("digits")
    digits.levels = levels
    test = digits.splits(0).test[:50]
    uniform = evidence(digits, test, np.zeros(50))
    assert bits_per_dim(uniform).value == pytest.approx(math.log2(levels), rel=1e-12)
    half = evidence(digits, test, np.full(50, 64 * math.log(2)))  # even over half of the levels
    assert bits_per_dim(half).value == pytest.approx(math.log2(levels) - 1, abs=1e-12)


def test_bits_per_dim_from_a_mass_of_levels():
    """log p = log P + d log L, with P the product of pixels' probabilities: bits are −Σ log₂ P / d."""
    digits = genbench.load_dataset("digits")
    test = digits.splits(0).test[:30]
    p = np.random.default_rng(0).dirichlet(np.ones(17))
    log_mass = np.log(p)[np.floor(17 * test).astype(int)]  # (30, 1, 8, 8)
    log_p = log_mass.reshape(30, -1).sum(axis=1) + 64 * math.log(17)
    score = bits_per_dim(evidence(digits, test, log_p))
    each = -log_mass.reshape(30, -1).mean(axis=1) / math.log(2)
    assert score.value == pytest.approx(each.mean(), rel=1e-12)
    assert score.standard_error == pytest.approx(each.std(ddof=1) / math.sqrt(30), rel=1e-9)


def test_bits_per_dim_is_ranked_as_nll_is():
    discover(groups=("metrics",))
    mine, nll = (REGISTRY["metrics"][name] for name in ("bits_per_dim", "nll"))
    assert (mine.by_likelihood, mine.ratio, mine.higher_is_better) == (
        nll.by_likelihood,
        nll.ratio,
        nll.higher_is_better,
    )
    assert mine.by_likelihood
