"""Squared maximum mean discrepancy with a mixture of Gaussian kernels."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array
from genbench.metrics.discrepancy import Kernel, discrepancy, squared_distances

__all__ = ["gaussian_mixture_kernel", "median_distance", "mmd2"]


@register_metric("mmd2", family="distance", label="MMD²", order=60, ratio=False)
def mmd2(evidence: Evidence) -> float:
    """Unbiased MMD² (Gretton et al. 2012, eq. 3). A perfect model gets about 0.

    Its value is then as often below 0 as above. The kernel is the mean of five Gaussian ones, whose bandwidths are the
    median distance between reference points times ¼, ½, 1, 2 and 4. They do not depend on the model.
    """
    return discrepancy(evidence, gaussian_mixture_kernel(median_distance(evidence.sets[0][1][:1000])))


def median_distance(y: Array) -> float:
    """Return the median distance between distinct points of y [m, d].

    Raises:
        ValueError: half of the distances are 0.
    """
    median = float(np.sqrt(np.median(squared_distances(y, y)[np.triu_indices(len(y), k=1)])))
    if not median > 0:
        raise ValueError("more than half of the reference points coincide, so there is no bandwidth")
    return median


def gaussian_mixture_kernel(h: float) -> Kernel:
    """Return k(x, y) = ⅕ Σ_c exp(−‖x − y‖² / 2(ch)²) over c in {¼, ½, 1, 2, 4}.

    It is a function of squared distances.
    """

    def kernel(squared: Array) -> Array:
        power = np.exp(np.multiply(squared, -1 / (2 * (4 * h) ** 2), out=squared), out=squared)  # c = 4
        total = power.copy()
        for _ in range(4):  # half the bandwidth is the fourth power
            np.square(power, out=power)
            np.square(power, out=power)
            total += power
        return np.divide(total, 5, out=total)

    return kernel
