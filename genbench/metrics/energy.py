"""The energy distance."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array
from genbench.metrics.discrepancy import discrepancy

__all__ = ["energy", "negative_distance"]


@register_metric("energy", family="distance", unit="data units", order=50, ratio=False)
def energy(evidence: Evidence) -> float:
    """Energy distance 2 E‖X − Y‖ − E‖X − X'‖ − E‖Y − Y'‖, not its square root.

    See Székely & Rizzo (2013, eq. 5). The estimate is unbiased: for a perfect model it is near 0, and as often below 0
    as above. So a quotient by the truth's score has no meaning.
    """
    return discrepancy(evidence, negative_distance)


def negative_distance(squared: Array) -> Array:
    """Return −‖x − y‖ from squared distances, the kernel whose MMD² is the energy distance.

    See Sejdinovic et al. (2013).
    """
    return np.negative(np.sqrt(squared, out=squared), out=squared)
