"""The distance between a point and its decoded code."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import register_metric
from genbench.contracts.task_evidence import Paths

__all__ = ["round_trip"]


@register_metric(
    "round_trip",
    family="interpolation",
    label="round trip",
    unit="data units",
    order=14,
    needs=("codes",),
    ratio=False,
    task="interpolate",
    main=True,
)
def round_trip(evidence: Paths) -> float:
    """Root mean square of ‖decode(encode(x)) − x‖ over the ends of the paths.

    It is 0 for a flow, up to rounding.
    """
    gaps = evidence.latent[:, [0, -1]] - evidence.straight[:, [0, -1]]
    return float(np.sqrt(np.square(gaps).sum(axis=-1).mean()))
