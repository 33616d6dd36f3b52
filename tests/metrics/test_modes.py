"""modes, mode_balance and high_quality on mixtures whose answer is known."""

import numpy as np
import pytest
from scipy.stats import chi2

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.modes import high_quality, mode_balance, modes, radius

STD = 0.05


class FarModes(SyntheticDataset):
    """Nine Gaussians along a diagonal, 20 σ apart."""

    mode_std = STD

    def __init__(self, d: int = 2) -> None:
        self.shape = (d,)
        self.modes = np.arange(9.0)[:, None] * np.ones(d) * 20 * STD

    def draw(self, u, rng):
        k = (9 * u).astype(int)
        return self.modes[k] + STD * rng.standard_normal((len(u), *self.shape)), k

    def log_density(self, x):
        raise NotImplementedError


def evidence(samples, d: int = 2) -> Evidence:
    dataset = FarModes(d)
    return Evidence(dataset, np.asarray(samples, dtype=float), dataset.sample(10_000, seed=1), None, seed=0)


@pytest.mark.parametrize("d", [1, 2, 5, 64])
def test_a_perfect_model(d):
    fact = evidence(FarModes(d).sample(50_000, seed=2), d)
    score = high_quality(fact)
    assert modes(fact) == 9
    assert score.standard_error == pytest.approx(np.sqrt(0.98889 * 0.01111 / 50_000), rel=0.1)
    assert abs(score.value - 0.98889) < 4 * score.standard_error  # by chance once in 16,000 seeds
    assert score.flag is None


def test_the_reach_of_a_mode_is_3_sigma():
    assert radius(2) == 3
    for d in (1, 3, 64):
        assert chi2(d).cdf(radius(d) ** 2) == pytest.approx(chi2(2).cdf(9), abs=1e-12)
    near, far = [2.999 * STD, 0.0], [0.0, -3.001 * STD]
    assert high_quality(evidence([near, far, near, far])).value == 0.5
    assert modes(evidence([far])) == 0
    assert modes(evidence([far, near])) == 1


def test_only_the_first_2500_samples_count():
    centres = FarModes().modes
    first = np.concatenate([np.repeat(centres[:4], 624, axis=0), centres[4:8]])
    assert len(first) == 2500
    assert modes(evidence(np.concatenate([first, centres[8:].repeat(500, axis=0)]))) == 8


def test_balance_is_that_of_the_mode_that_is_furthest_off():
    """Nine modes that the test points show alike: of 10 samples two at one are 1.8 times, the others 0.9 times, due."""
    dataset, centres = FarModes(), FarModes().modes

    def balance(samples):
        return mode_balance(Evidence(dataset, samples, centres, None, seed=0))

    often, seldom = np.concatenate([centres[:1], centres]), np.concatenate([centres, centres[1:]])
    stray = np.full((1, 2), 99.0)
    assert balance(centres) == pytest.approx(1)
    assert balance(often) == pytest.approx(1 / 1.8)
    assert balance(seldom) == pytest.approx(9 / 17)
    assert balance(np.concatenate([often, stray])) == pytest.approx(1 / 1.8), "strays are no mode's"
    assert balance(centres[1:]) == balance(stray) == 0
    assert mode_balance(evidence(dataset.sample(50_000, seed=2))) > 0.87  # ratios of counts, 3.2 % each; 4 s.e.


def test_variance_collapse_is_flagged():
    dataset = FarModes()
    narrow = dataset.modes[np.arange(20_000) % 9] + 0.5 * STD * np.random.default_rng(0).normal(size=(20_000, 2))
    score = high_quality(evidence(narrow))
    assert score.value > 0.999
    assert "variance collapse" in score.flag
    assert high_quality(evidence(np.full((1000, 2), 99.0))) == (0, 0, None)
