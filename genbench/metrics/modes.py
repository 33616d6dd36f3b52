"""Modes that the samples reach, how evenly, and the share of samples near a mode.

These are the counts of PacGAN (Lin et al. 2018).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.discrepancy import squared_distances

__all__ = ["high_quality", "mode_balance", "modes", "nearest_mode", "radius"]

SAMPLES = 2_500  # of PacGAN's protocol: more samples would find more modes
PERFECT = 1 - math.exp(-4.5)  # mass of a plane Gaussian within 3 σ: 0.98889


@register_metric("modes", family="modes", higher_is_better=True, needs=("modes",), order=80, main=True)
def modes(evidence: Evidence) -> float:
    """Number of modes with at least one of the first 2,500 samples within 3 σ."""
    return float(len(set(nearest_mode(evidence, evidence.samples[:SAMPLES])) - {-1}))


@register_metric(
    "mode_balance", family="modes", label="mode balance", higher_is_better=True, needs=("modes",), order=85, main=True
)
def mode_balance(evidence: Evidence) -> float:
    """Smallest min(p/q, q/p) over modes, with shares p of samples and q of test points.

    Only points within reach of a mode count. 1 is perfect; 0.5 means that some mode is drawn half or twice as often as
    it should be; 0 means that a mode is missing. The shares are counts, so that a perfect model gets the oracle's
    score, which is less than 1.
    """
    k = len(evidence.dataset.modes)  # type: ignore[arg-type]
    reached = (nearest_mode(evidence, x) for x in (evidence.samples, evidence.test))
    p, q = (np.bincount(mode[mode >= 0], minlength=k) / max((mode >= 0).sum(), 1) for mode in reached)
    likely = np.maximum(p, q)
    return float((np.minimum(p, q)[likely > 0] / likely[likely > 0]).min(initial=1.0))


@register_metric(
    "high_quality", family="modes", label="high quality", higher_is_better=True, needs=("modes",), order=90, main=True
)
def high_quality(evidence: Evidence) -> Score:
    """Share of samples within 3 σ of a mode; a perfect model of separate modes gets 0.98889.

    A larger share than that of the data is not better: it means variance collapse, and is flagged.
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
    """Return the nearest mode in reach of each point of x [n, d], or −1: [n]."""
    centres, std = evidence.dataset.modes, evidence.dataset.mode_std
    assert centres is not None
    assert std is not None
    squared = squared_distances(x, centres.reshape(len(centres), -1))  # (n, k)
    nearest = squared.argmin(axis=1)
    return np.where(squared[np.arange(len(x)), nearest] <= (radius(x.shape[1]) * std) ** 2, nearest, -1)


def radius(d: int) -> float:
    """Return the reach of a mode in standard deviations.

    It is 3 in the plane, and elsewhere the radius of the ball with the same mass. The norm of a Gaussian grows like √d:
    within 3 σ of its mean lie 97 % of the mass for d = 1 … and 10⁻¹⁷ for d = 64.
    """
    if d == 2:
        return 3.0
    from scipy.special import gammaincinv

    return math.sqrt(2 * gammaincinv(d / 2, PERFECT))  # ‖z‖² / 2 has a gamma distribution with shape d / 2
