"""Calibration of highest-density regions against the closed form of Gaussians and scipy's Kolmogorov–Smirnov test."""

import numpy as np
import pytest
from scipy.stats import chi2, ks_2samp, norm

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.calibration import calibration, largest_gap


class Line(SyntheticDataset):
    """A standard normal on the line."""

    shape = (1,)


def evidence(std: float, n: int = 20_000, constant: float = 0.0) -> Evidence:
    rng = np.random.default_rng(0)
    test, own = rng.normal(size=(n, 1)), std * rng.normal(size=(n, 1))
    density = norm(scale=std).logpdf
    return Evidence(
        Line(), own, test, density(test[:, 0]) + constant, 0, samples_model_log_prob=density(own[:, 0]) + constant
    )


@pytest.mark.parametrize("std", [0.5, 0.8, 1.0, 1.5])
def test_gaussians(std):
    """The region of mass α of N(0, s²) is x² ≤ s² χ²(α), which holds a share F(s² χ²(α)) of N(0, 1)."""
    quantile = chi2(1).ppf(np.linspace(0.0005, 0.9995, 5000))
    expected = np.abs(chi2(1).cdf(std**2 * quantile) - chi2(1).cdf(quantile)).max()
    score = calibration(evidence(std))
    assert abs(score.value - expected) < 0.0195  # the two-sample bound at 1 in 1,000: 1.95 √(2 / 20,000)
    assert score.value == calibration(evidence(std, constant=7.0)).value  # an unnormalised density has the same regions


def test_is_the_distance_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(1)
    for n, m in ((1, 1), (7, 300), (1000, 450)):
        a, b = np.round(rng.normal(size=n), 1), np.round(rng.normal(0.2, 1, size=m), 1)  # with ties
        assert largest_gap(a, b) == pytest.approx(ks_2samp(a, b).statistic, abs=1e-12)
    assert largest_gap(np.array([-np.inf, 0.0]), np.array([0.0, 0.0])) == 0.5
    assert np.isnan(largest_gap(np.array([np.nan]), np.zeros(3)))


def test_without_the_density_of_its_samples_there_is_a_reason():
    facts = evidence(1.0)
    facts.samples_model_log_prob = None
    score = calibration(facts)
    assert np.isnan(score.value)
    assert "own samples" in score.flag
