"""How many modes the samples reach, and how many samples lie at one: PacGAN's two counts (Lin et al. 2018)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genbench.dataset import Array
from genbench.metric import Evidence, Score, register_metric
from genbench.metrics.discrepancy import squared_distances

__all__ = ["high_quality", "modes", "nearest_mode", "radius"]

SAMPLES = 2_500  # of PacGAN's protocol: more samples would find more modes
PERFECT = 1 - math.exp(-4.5)  # mass of a plane Gaussian within 3 σ: 0.98889


@register_metric("modes", family="modes", higher_is_better=True, needs=("modes",), order=80)
def modes(evidence: Evidence) -> float:
    """Number of modes with at least one of the first 2,500 samples within 3 σ."""
    return float(len(set(nearest_mode(evidence, evidence.samples[:SAMPLES])) - {-1}))


@register_metric(
    "high_quality", family="modes", label="high quality", higher_is_better=True, needs=("modes",), order=90
)
def high_quality(evidence: Evidence) -> Score:
    """Share of samples within 3 σ of a mode; a perfect model of separate modes gets 0.98889.

    More than the data's own share is not better but variance collapse, and is flagged.
    """
    score = Score.mean((nearest_mode(evidence, evidence.samples) >= 0).astype(np.float64))
    n, m = len(evidence.samples), len(evidence.test)
    share = float((nearest_mode(evidence, evidence.test) >= 0).mean())
    if score.value > share + 3 * math.sqrt(share * (1 - share) * (1 / n + 1 / m)):
        return score._replace(
            flag=f"high_quality is {score.value:.4f}, more than 3 s.e. above the data's {share:.4f}: variance collapse"
        )
    return score


def nearest_mode(evidence: Evidence, x: Array) -> NDArray[np.int64]:
    """Return the mode in reach of each point of x [n, d], the nearest one, or −1: [n]."""
    centres, std = evidence.dataset.modes, evidence.dataset.mode_std
    assert centres is not None
    assert std is not None
    squared = squared_distances(x, centres.reshape(len(centres), -1))  # (n, k)
    nearest = squared.argmin(axis=1)
    return np.where(squared[np.arange(len(x)), nearest] <= (radius(x.shape[1]) * std) ** 2, nearest, -1)


def radius(d: int) -> float:
    """Return the reach of a mode in standard deviations: 3 in the plane, elsewhere the ball with the same mass.

    The norm of a Gaussian grows like √d: within 3 σ of its mean lie 97 % of the mass for d = 1 … and 10⁻¹⁷ for d = 64.
    """
    if d == 2:
        return 3.0
    from scipy.special import gammaincinv

    return math.sqrt(2 * gammaincinv(d / 2, PERFECT))  # ‖z‖² / 2 has a gamma distribution with shape d / 2
