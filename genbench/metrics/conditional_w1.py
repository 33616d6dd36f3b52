"""The distance of draws of a missing coordinate from the true conditional distribution."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Gaps

__all__ = ["conditional_w1"]


@register_metric(
    "conditional_w1",
    family="imputation",
    label="conditional W1",
    unit="data units",
    needs=("truth",),
    order=10,
    task="impute",
    main=True,
)
def conditional_w1(evidence: Gaps) -> Score:
    """Mean 1-Wasserstein distance between the draws and the exact p(missing | given).

    The mean is over test points. One coordinate of the plane is missing, and its conditional distribution is known by
    quadrature. Even draws from it have a distance above 0, because their number is finite; that is the oracle's score.
    """
    return Score.mean(np.concatenate([gap.exact.w1(gap.draws[..., 0]) for gap in evidence.gaps if gap.exact]))
