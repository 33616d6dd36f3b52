"""Negative log-likelihood of test images, in bits per value."""

from __future__ import annotations

import math

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.nll import nll

__all__ = ["bits_per_dim"]


@register_metric(
    "bits_per_dim",
    family="likelihood",
    label="bits/dim",
    unit="bits",
    needs=("density", "levels"),
    order=35,
    ratio=False,
    by_likelihood=True,
    main=True,
)
def bits_per_dim(evidence: Evidence) -> Score:
    """(NLL + d log L) / (d log 2): bits per value of an image with L grey levels.

    The image has d values; noise has log₂ L bits per value. The NLL is that of dequantised images, in units in which a
    level is 1/L wide; in units of a level it is d log L more. It is an upper bound of the bits of the levels themselves
    (Theis et al. 2016, eq. 6 to 8). It equals them for a model of levels, whose density is constant within each level.
    """
    levels, d = evidence.dataset.levels, evidence.test.shape[1]
    assert levels is not None
    nats, error, flag = nll(evidence)
    unit = d * math.log(2)
    return Score(nats / unit + math.log2(levels), None if error is None else error / unit, flag)
